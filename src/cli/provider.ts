import { figure, withCatalogue } from "#src/cli/catalogue.ts";
import type { CommonOptions } from "#src/cli/program.ts";
import { CommandError, type Output, printJson, printTable } from "#src/cli/output.ts";
import { describeProvider } from "#src/http/describe.ts";
import { distinctPlaces } from "#src/provider/deployment.ts";
import { probe } from "#src/provider/probe.ts";

/** The `provider list` command. */
export async function listProvidersCommand(
  options: CommonOptions & { all?: boolean },
  output: Output,
): Promise<void> {
  await withCatalogue(options, ({ view, services }) => {
    const all = services.providers.map((provider) => describeProvider(provider, view, services));
    const shown = options.all ? all : all.filter((provider) => provider.configured);
    if (options.json) return printJson(output, { object: "list", data: shown });
    if (shown.length === 0) {
      output.err(
        'No provider is configured: set a key such as OPENAI_API_KEY\nRun "lowrouter provider list --all" to see every known provider\n',
      );
      return;
    }
    const rows = shown.flatMap((provider) =>
      provider.regions
        .filter((region) => options.all || region.routable)
        .map((region) => [
          provider.id,
          provider.name,
          region.id,
          figure(region.grid_intensity_g_per_kwh),
          region.grid_year === null ? "—" : String(region.grid_year),
          gridOf(region),
          region.routable ? "yes" : "no",
          region.routable ? stateOf(region) : "—",
        ]),
    );
    printTable(
      output,
      ["id", "name", "region", "g CO2e/kWh", "year", "grid", "routable", "state"],
      rows,
    );
  });
}

/** Whose grid the figure is of: that of the region, or one that is assumed where the provider does not say where it computes. */
function gridOf(region: {
  grid_intensity_g_per_kwh: number | null;
  grid_assumption?: string;
}): string {
  if (region.grid_intensity_g_per_kwh === null) return "—";
  return region.grid_assumption === undefined ? "known" : "assumed";
}

/** The `provider show` command. */
export async function showProviderCommand(
  id: string,
  options: CommonOptions,
  output: Output,
): Promise<void> {
  await withCatalogue(options, ({ view, services }) => {
    const provider = services.providers.find((one) => one.id === id);
    if (provider === undefined) throw unknown(id);
    printJson(output, {
      data: {
        ...describeProvider(provider, view, services),
        environment: provider.env,
        base_url: provider.baseUrl,
        source: provider.source,
        read: provider.read,
      },
    });
  });
}

/** The `provider test` command. */
export async function testProviderCommand(
  id: string,
  options: CommonOptions,
  output: Output,
): Promise<void> {
  await withCatalogue(options, async ({ view, services, config }) => {
    if (!services.providers.some((one) => one.id === id)) throw unknown(id);
    const all = view.routes.deployments.filter((deployment) => deployment.provider.id === id);
    const places = distinctPlaces(all);
    const provider = services.providers.find((one) => one.id === id);
    if (places.length === 0) {
      throw new CommandError(
        `Cannot test "${id}": it has no credential\nSet ${provider?.env[0] ?? `${id.toUpperCase()}_BASE_URL`} and try again`,
      );
    }
    const results = await Promise.all(
      places.map((deployment) => probe(deployment, config.timeouts.connectMs)),
    );
    if (options.json) printJson(output, { data: results });
    else
      for (const result of results)
        output.out(
          `${result.ok ? "ok  " : "FAIL"}  ${id} in ${result.region}${result.credential ? ` with ${result.credential}` : ""}: ${result.message}\n`,
        );
    if (results.some((result) => !result.ok))
      throw new CommandError(`The provider "${id}" did not answer as it should`);
  });
}

type Region = ReturnType<typeof describeProvider>["regions"][number];

/** State of a region, with the reasons of the models that are not well. */
function stateOf({ status, models }: Region): string {
  const why = new Set(models.flatMap(({ reason }) => reason ?? []));
  return why.size === 0 ? status : `${status} (${[...why].join(", ")})`;
}

function unknown(id: string): CommandError {
  return new CommandError(
    `Cannot find the provider "${id}"\nRun "lowrouter provider list --all" to see the known ones`,
  );
}
