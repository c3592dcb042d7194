/** Long, because every command stands here with what it takes; what it does is in the file it names. */
import { Command, CommanderError, InvalidArgumentError, type Option } from "commander";
import { CommandError, guardedOutput, type Output, terminal } from "#src/cli/output.ts";
import { VaultError } from "#src/account/vault.ts";
import { ConfigError } from "#src/config/error.ts";
import { fromUnits, mostUnits, toUnits } from "#src/ledger/money.ts";
import { AppError } from "#src/lib/error.ts";
import { version } from "#src/lib/version.ts";
import { StoreError } from "#src/store/error.ts";

/** Options that every command on the data directory takes. */
export interface CommonOptions {
  config?: string;
  dataDir?: string;
  json?: boolean;
}

/** Runs one command line. Returns the exit code: 0 done, 1 failed, 2 usage, 78 bad configuration. */
export async function run(argv: string[], unguarded: Output = terminal): Promise<number> {
  const output = guardedOutput(unguarded);
  const program = build(output);
  if (argv.length === 0) {
    output.out(program.helpInformation());
    return 0;
  }
  try {
    await program.parseAsync(argv, { from: "user" });
    return 0;
  } catch (thrown) {
    return explain(thrown, output);
  }
}

function explain(thrown: unknown, output: Output): number {
  if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
  if (thrown instanceof ConfigError) {
    output.err(`lowrouter: ${thrown.message}\nRun "lowrouter config check" once it is corrected\n`);
    return 78;
  }
  if (thrown instanceof VaultError) {
    output.err(`lowrouter: ${thrown.message}\n`);
    return 78;
  }
  if (thrown instanceof CommandError) {
    output.err(`lowrouter: ${thrown.message}\n`);
    return thrown.exitCode;
  }
  if (thrown instanceof AppError || (thrown instanceof StoreError && thrown.fault === "refused")) {
    output.err(`lowrouter: ${thrown.message}\n`);
    return 1;
  }
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  output.err(`lowrouter: ${reason}\nRun "lowrouter doctor" to find out what is wrong here\n`);
  return 1;
}

/** A whole number from an argument. */
function integer(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError("A whole number is needed");
  return value;
}

/** An amount in the configured currency, to the billionth that can be kept. */
function amount(text: string): number {
  const value = Number(text);
  // Number() takes hexadecimals too, which nobody means by 0x10.
  if (!/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(text) || !Number.isFinite(value))
    throw new InvalidArgumentError("An amount such as 5.00 is needed");
  if (Math.abs(value) > mostUnits)
    throw new InvalidArgumentError(`An amount of at most ${mostUnits} is needed`);
  const kept = toUnits(fromUnits(value));
  if (kept === 0 && value !== 0)
    throw new InvalidArgumentError("An amount of at least 0.000000001, or 0, is needed");
  return kept;
}

/** A whole number, not 0. */
function positive(text: string): number {
  const value = integer(text);
  if (value === 0) throw new InvalidArgumentError("A whole number from 1 is needed");
  return value;
}

/** An amount, or `none` to lift the limit. */
function limitOrNone(text: string): number | "none" {
  return text === "none" ? text : limit(text);
}

/** A whole number, or `none` to lift the limit. */
function integerOrNone(text: string): number | "none" {
  const value = text === "none" ? text : integer(text);
  if (value === 0) throw new InvalidArgumentError("A whole number from 1, or none, is needed");
  return value;
}

/** An amount that cannot be taken away from. */
function limit(text: string): number {
  const value = amount(text);
  if (value < 0) throw new InvalidArgumentError("An amount of 0 or more is needed");
  return value;
}

function list(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** Names that limit something: of none at all, as of a variable that is not set, everything would be allowed. */
function names(text: string): string[] {
  const found = list(text);
  if (found.length === 0) throw new InvalidArgumentError("At least one name is needed");
  return found;
}

/** What an option takes, whether it has to be given, and its default as one would type it. */
function described({ description, defaultValue, mandatory }: Option): string {
  const usual: unknown = defaultValue;
  if (mandatory && usual === undefined) return `${description} (required)`;
  if (usual === undefined || typeof usual === "boolean") return description;
  return `${description} (default: ${String(usual)})`;
}

function build(output: Output): Command {
  const program = new Command("lowrouter")
    .description("An LLM gateway: one endpoint, one balance, and a footprint on every answer")
    .version(`lowrouter ${version}`, "-V, --version", "print the version")
    .exitOverride()
    .configureHelp({ optionDescription: described })
    .configureOutput({
      writeOut: output.out,
      writeErr: output.err,
      outputError: (text, write) => write(text.replace(/^error: /, "lowrouter: ")),
    })
    .showSuggestionAfterError()
    .showHelpAfterError('Run "lowrouter --help" to see the commands');
  const helped = (one: Command): Command => {
    const group = one.parent === program ? "" : `${one.parent?.name()} `;
    return one.showHelpAfterError(
      `Run "lowrouter ${group}${one.name()} --help" to see what it takes`,
    );
  };
  const command = (parent: Command, name: string, about: string): Command =>
    helped(parent.command(name))
      .description(about)
      .option("--config <file>", "configuration file (lowrouter.toml)")
      .option("--data-dir <dir>", "where the state lives");
  const withJson = (one: Command): Command => one.option("--json", "print JSON");
  const group = (name: string, about: string): Command =>
    helped(program.command(name)).description(about);

  command(program, "serve", "run the gateway")
    .option("--listen <host:port>", "address to listen on (default: 127.0.0.1:4000)")
    .option("--workers <n>", "processes that serve, 1 to 64, one for each core (default: 1)")
    .addHelpText(
      "after",
      `
Signals:
  TERM, INT  end once what has begun is answered; a second one ends at once
  HUP        reads the configuration anew, without an end of service
  USR2       with workers: replaces them, as they are`,
    )
    .action(async (options) => (await import("#src/cli/serve.ts")).serve(options, output));
  helped(program.command("demo"))
    .description("serve with simulated providers and seeded history; needs no key and no network")
    .option("--listen <host:port>", "address to listen on")
    .action(async (options) => (await import("#src/cli/demo.ts")).demo(options, output));
  withJson(command(program, "init", "create the database, the first account and its key"))
    .option("--name <name>", "name of the account", "operator")
    .action(async (options) => (await import("#src/cli/init.ts")).init(options, output));
  withJson(command(program, "doctor", "check this installation and say how to fix it")).action(
    async (options) => (await import("#src/cli/doctor.ts")).doctor(options, output),
  );

  const config = group("config", "the configuration");
  withJson(command(config, "show", "every value and where it came from")).action(async (options) =>
    (await import("#src/cli/config.ts")).showConfig(options, output),
  );
  withJson(command(config, "check [file]", "validate a configuration file")).action(
    async (file: string | undefined, options) =>
      (await import("#src/cli/config.ts")).checkConfig(file, options, output),
  );

  const account = group("account", "accounts");
  withJson(command(account, "create", "create an account"))
    .requiredOption("--name <name>", "its name")
    .option("--plan <plan>", "prepaid or metered", "prepaid")
    .option("--balance <amount>", "credit to start with", limit)
    .action(async (options) =>
      (await import("#src/cli/account.ts")).createAccountCommand(options, output),
    );
  withJson(command(account, "list", "all accounts")).action(async (options) =>
    (await import("#src/cli/account.ts")).listAccountsCommand(options, output),
  );
  withJson(command(account, "show <account>", "one account")).action(async (id: string, options) =>
    (await import("#src/cli/account.ts")).showAccountCommand(id, options, output),
  );
  withJson(
    command(
      account,
      "update <account>",
      "change its routing or carbon budget; the value none lifts a wish",
    ),
  )
    .option("--policy <policy>", "such as prefer-low-carbon or prefer-region:eu-west")
    .option("--region <region>", "region that its requests never leave: eu-west, eu, country:FR")
    .option("--allowed-providers <a,b>", "providers that may serve it", names)
    .option("--ignore-providers <a,b>", "providers that may not", names)
    .option("--data-collection <allow|deny>", "deny: nobody who trains on what is sent")
    .option("--zdr", "only endpoints that retain nothing")
    .option("--no-zdr", "any endpoint")
    .option("--prefer-low-carbon", "the cleanest grid first")
    .option("--no-prefer-low-carbon", "as the policy says")
    .option("--carbon-budget-g <grams>", "grams CO2e of all its keys together; none lifts")
    .option("--carbon-budget-reset <window>", "daily or monthly")
    .option(
      "--carbon-budget-action <action>",
      "refuse, or route:G to go on under G g per 1,000 tokens",
    )
    .action(async (id: string, options) =>
      (await import("#src/cli/account-update.ts")).updateAccountCommand(id, options, output),
    );

  withJson(
    command(account, "reset-link <email>", "a link by which somebody chooses a new password, once"),
  )
    .option("--url <url>", "address that people open, such as https://gateway.example")
    .action(async (email: string, options) =>
      (await import("#src/cli/invite.ts")).resetLinkCommand(email, options, output),
    );

  const invite = group("invite", "sign-up links, each for one person");
  withJson(command(invite, "create", "make a link; it is shown once"))
    .option("--account <account>", "account to join, id or name; a personal account alone without")
    .option("--role <role>", "role there: owner, admin or member", "member")
    .option("--email <address>", "the only address that may register")
    .option("--balance <amount>", "credit for the new personal account", limit)
    .option("--operator", "lets the person administer the gateway")
    .option("--days <n>", "how long it works", integer, 7)
    .option("--url <url>", "address that people open, such as https://gateway.example")
    .action(async (options) =>
      (await import("#src/cli/invite.ts")).createInviteCommand(options, output),
    );
  withJson(command(invite, "list", "links with what became of them")).action(async (options) =>
    (await import("#src/cli/invite.ts")).listInvitesCommand(options, output),
  );
  withJson(command(invite, "revoke <id>", "end a link before it is used")).action(
    async (id: string, options) =>
      (await import("#src/cli/invite.ts")).revokeInviteCommand(id, options, output),
  );

  const key = group("key", "API keys");
  const policy = (one: Command): Command =>
    withJson(one)
      .option("--limit <amount>", "most it may spend, in the configured currency", limitOrNone)
      .option("--limit-reset <window>", "daily, weekly or monthly")
      .option("--allowed-models <a,b>", "models it may use", names)
      .option("--allowed-providers <a,b>", "providers it may use", names)
      .option("--region <region>", "region that its requests never leave")
      .option("--policy <policy>", "routing policy")
      .option("--rpm <n>", "requests per minute", integerOrNone)
      .option("--carbon-budget-g <grams>", "grams CO2e in each window", limitOrNone)
      .option("--carbon-budget-reset <window>", "daily or monthly")
      .option(
        "--carbon-budget-action <action>",
        "refuse, or route:G to go on under G g per 1,000 tokens",
      )
      .option("--hedge", "ask a second route when the first is slow; only the winner is charged")
      .option("--no-hedge", "wait for the first")
      .option("--expires-at <time>", "when it stops working, RFC 3339");
  policy(command(key, "create", "create a key; it is shown once"))
    .requiredOption("--account <account>", "account id or name")
    .requiredOption("--name <name>", "its name")
    .option("--type <type>", "regular or management", "regular")
    .action(async (options) => (await import("#src/cli/key.ts")).createKeyCommand(options, output));
  withJson(command(key, "list", "keys of an account, or all"))
    .option("--account <account>", "account id or name")
    .action(async (options) => (await import("#src/cli/key.ts")).listKeysCommand(options, output));
  withJson(command(key, "show <hash>", "one key")).action(async (hash: string, options) =>
    (await import("#src/cli/key.ts")).showKeyCommand(hash, options, output),
  );
  policy(command(key, "update <hash>", "change a key's name or limits; the value none lifts one"))
    .option("--name <name>", "its name")
    .option("--disable", "switch it off")
    .option("--enable", "switch it on")
    .action(async (hash: string, options) =>
      (await import("#src/cli/key.ts")).updateKeyCommand(hash, options, output),
    );
  withJson(command(key, "revoke <hash>", "delete a key for good")).action(
    async (hash: string, options) =>
      (await import("#src/cli/key.ts")).revokeKeyCommand(hash, options, output),
  );

  const credit = group("credit", "credit of accounts");
  withJson(command(credit, "add", "add credit in the configured currency"))
    .argument("<amount>", "such as 5.00; a negative one takes it away", amount)
    .requiredOption("--account <account>", "account id or name")
    .option("--note <text>", "what for")
    .action(async (added: number, options) =>
      (await import("#src/cli/credit.ts")).addCreditCommand(added, options, output),
    );
  withJson(command(credit, "show", "balance and transactions"))
    .requiredOption("--account <account>", "account id or name")
    .option("--all", "every transaction, not the last 20 alone")
    .action(async (options) =>
      (await import("#src/cli/credit.ts")).showCreditCommand(options, output),
    );

  const provider = group("provider", "upstream providers");
  withJson(command(provider, "list", "providers with their regions and grids"))
    .option("--all", "those without a credential too")
    .action(async (options) =>
      (await import("#src/cli/provider.ts")).listProvidersCommand(options, output),
    );
  withJson(command(provider, "show <id>", "one provider")).action(async (id: string, options) =>
    (await import("#src/cli/provider.ts")).showProviderCommand(id, options, output),
  );
  withJson(
    command(provider, "test <id>", "send its model list request, to prove address and credential"),
  ).action(async (id: string, options) =>
    (await import("#src/cli/provider.ts")).testProviderCommand(id, options, output),
  );

  const keyed = withJson(
    command(provider, "key", "keep a provider's key, read from stdin, sealed in the database"),
  );
  keyed
    .argument("[provider]", 'its id, as "lowrouter provider list --all" shows it')
    .argument("[rest...]", "none: the key itself is never an argument")
    .option("--account <account>", "it is this account's own; else it serves everyone")
    .option("--label <text>", "what it is called")
    .option("--weight <n>", "how often it is taken among its like", integer)
    .option("--rpm <n>", "requests per minute that it takes", positive)
    .option("--region <region>", "only in this region")
    .option("--base-url <url>", "an address of its own")
    .option("--deployment <name>", "Azure: the deployment that it is for")
    .option("--models <a,b>", "only for these models", names)
    .option(
      "--daily-budget <amount>",
      "most that it may cost a day, at the provider's price",
      limit,
    )
    .option("--monthly-budget <amount>", "the same for a month", limit)
    .option("--always-use", "own keys: the operator's never stand in for it")
    .option("--fallback", "own keys: only where the operator's fail")
    .action(async (id: string | undefined, rest: string[], options) =>
      (await import("#src/cli/provider-key.ts")).addProviderKeyCommand(id, rest, options, output),
    );
  withJson(command(keyed, "list", "the keys that are kept, without their secrets"))
    .option("--account <account>", "only this account's own")
    .action(async (_, one: Command) =>
      (await import("#src/cli/provider-key.ts")).listProviderKeysCommand(
        one.optsWithGlobals(),
        output,
      ),
    );
  withJson(command(keyed, "remove <id>", "delete a key for good")).action(
    async (id: string, _, one: Command) =>
      (await import("#src/cli/provider-key.ts")).removeProviderKeyCommand(
        id,
        one.optsWithGlobals(),
        output,
      ),
  );
  for (const verb of ["disable", "enable"] as const)
    withJson(
      command(keyed, `${verb} <id>`, `switch a key ${verb === "disable" ? "off" : "on"}`),
    ).action(async (id: string, _, one: Command) =>
      (await import("#src/cli/provider-key.ts")).switchProviderKeyCommand(
        id,
        verb,
        one.optsWithGlobals(),
        output,
      ),
    );
  withJson(command(provider, "rotate", "seal every kept key under a new master key")).action(
    async (options) => (await import("#src/cli/provider-key.ts")).rotateCommand(options, output),
  );

  const model = group("model", "the model catalogue");
  withJson(command(model, "list", "models with price, regions and footprint"))
    .option("--routable", "only what can be called now")
    .action(async (options) =>
      (await import("#src/cli/model.ts")).listModelsCommand(options, output),
    );
  withJson(command(model, "show <id>", "one model and its endpoints")).action(
    async (id: string, options) =>
      (await import("#src/cli/model.ts")).showModelCommand(id, options, output),
  );

  withJson(command(program, "usage", "totals of what was used"))
    .option("--by <dimensions>", "day,model,creator,provider,region,key,user,account", list, [
      "day",
    ])
    .option("--from <day>", "first day, YYYY-MM-DD")
    .option("--to <day>", "last day, YYYY-MM-DD")
    .option("--account <account>", "only this account")
    .option("--csv", "print CSV")
    .action(async (options) => (await import("#src/cli/usage.ts")).usageCommand(options, output));
  const generation = group("generation", "single requests");
  withJson(command(generation, "show <id>", "the usage record of one request")).action(
    async (id: string, options) =>
      (await import("#src/cli/generation.ts")).showGenerationCommand(id, options, output),
  );

  const eco = group("eco", "energy and carbon");
  withJson(command(eco, "explain <id>", "what a request's estimate was made from")).action(
    async (id: string, options) =>
      (await import("#src/cli/eco.ts")).explainCommand(id, options, output),
  );
  withJson(command(eco, "estimate", "an estimate before any request"))
    .requiredOption("--model <model>", "model id")
    .requiredOption("--tokens <n>", "completion tokens", positive)
    .option("--region <region>", "region id")
    .action(async (options) => (await import("#src/cli/eco.ts")).estimateCommand(options, output));
  withJson(command(eco, "methodology", "the methodologies, also on imported grid tables")).action(
    async (options) => (await import("#src/cli/eco.ts")).methodologyCommand(options, output),
  );

  const grid = group("grid", "grid intensities");
  withJson(command(grid, "import <file>", "take a table of your own as a new methodology version"))
    .option("--dry-run", "show what would change, and keep nothing")
    .option("--name <label>", "what its version is called, instead of the table's own source")
    .action(async (file: string, options) =>
      (await import("#src/cli/grid.ts")).importGridCommand(file, options, output),
    );
  withJson(command(grid, "list", "tables that were imported")).action(async (options) =>
    (await import("#src/cli/grid.ts")).listGridsCommand(options, output),
  );

  const audit = group("audit", "the ledger's proof");
  withJson(
    command(audit, "key", "the public keys that statements and published heads are signed with"),
  )
    .option("--rotate", "make a new one, for which the old one vouches")
    .action(async (options) =>
      (await import("#src/cli/audit-key.ts")).auditKeyCommand(options, output),
    );
  withJson(
    command(
      audit,
      "verify",
      "check the hash chain, its published heads and all sums; or, given a file, a footprint statement",
    ),
  )
    .argument("[file]", "a statement: .json, .pdf, .html, or .csv with its .sig beside it")
    .option(
      "--heads <file>",
      "a copy of ledger-heads.log, instead of the one in the data directory",
    )
    .option("--without-heads", "check the rows and sums alone, where the log cannot be had")
    .option(
      "--key <key>",
      "public key that signed the first head, or the statement (there also a file that holds it)",
    )
    .option("--ledger", "of a statement: look for the rows that it names in this ledger, too")
    .action(async (file: string | undefined, options) =>
      file === undefined
        ? (await import("#src/cli/audit.ts")).verifyCommand(options, output)
        : (await import("#src/cli/audit-statement.ts")).verifyStatementCommand(
            file,
            options,
            output,
          ),
    );
  const report = group("report", "reports for others");
  withJson(command(report, "footprint", "the signed footprint statement of a month"))
    .requiredOption("--month <month>", "such as 2026-10, UTC")
    .requiredOption("--out <file>", "what to write: .html, .pdf, .csv or .json")
    .option("--account <account>", "account id or name; else the whole gateway")
    .option("--partial", "also where the month is not over yet")
    .action(async (options) =>
      (await import("#src/cli/report.ts")).footprintCommand(options, output),
    );
  withJson(command(program, "backup <file>", "a consistent copy, while serving")).action(
    async (file: string, options) =>
      (await import("#src/cli/backup.ts")).backupCommand(file, options, output),
  );
  withJson(
    command(program, "restore <file>", "put a backup in place; refuses to overwrite"),
  ).action(async (file: string, options) =>
    (await import("#src/cli/backup.ts")).restoreCommand(file, options, output),
  );
  const imported = group("import", "configurations of other gateways");
  withJson(command(imported, "litellm <file>", "turn a LiteLLM config.yaml into a configuration"))
    .option("--out <file>", "write it to a new file instead of stdout")
    .action(async (file: string, options) =>
      (await import("#src/cli/import.ts")).importLitellmCommand(file, options, output),
    );
  const service = group("service", "running it under systemd");
  withJson(helped(service.command("print")).description("the unit, for this executable")).action(
    async (options) => (await import("#src/cli/service.ts")).printService(options, output),
  );
  withJson(
    helped(service.command("install")).description("write the unit; refuses to overwrite another"),
  )
    .option("--file <file>", "where", "/etc/systemd/system/lowrouter.service")
    .action(async (options) =>
      (await import("#src/cli/service.ts")).installService(options, output),
    );
  withJson(helped(program.command("version")).description("version, commit and data dates")).action(
    async (options) => (await import("#src/cli/version.ts")).versionCommand(options, output),
  );
  return program;
}
