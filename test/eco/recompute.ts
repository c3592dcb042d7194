/**
 * A reader of an explain answer who has nothing else: neither our code nor our tables. Evaluates the formula as it is printed, line by line, on
 * the coefficients, weights, parameters, token counts and grid rows that stand beside it. Imports nothing, on purpose.
 */

/** Energy in Wh, carbon in g CO2e. */
export interface Recomputed {
  energy: number;
  carbon: number;
  per1k: number;
  energyLow: number;
  energyHigh: number;
  carbonLow: number;
  carbonHigh: number;
}

type Names = Record<string, number>;

/** What an explanation (member `explanation` of the answer) comes to. Throws where an input is missing. */
export function recompute(explanation: unknown): Recomputed {
  const lines = list(at(explanation, "formula")).map(String);
  const rows = list(at(explanation, "grid.rows"));
  const grid = rows.reduce<number>(
    (sum, row) => sum + number(row, "weight") * number(row, "g_per_kwh"),
    0,
  );
  const shared: Names = {
    ...numbers(at(explanation, "coefficients")),
    ...numbers(at(explanation, "weights"), "weights."),
    ...numbers(at(explanation, "measured")),
    ...numbers(at(explanation, "tokens")),
    total_tokens: sumOfTokens(at(explanation, "tokens")),
    grid_g_per_kwh: grid,
  };
  const end = (which: "min" | "max"): Names => ({
    ...shared,
    ...(at(explanation, "parameters") === undefined
      ? {}
      : {
          active_b: number(explanation, `parameters.active_b.${which}`),
          total_b: number(explanation, `parameters.total_b.${which}`),
        }),
  });
  const outer = (which: "min" | "max"): Names => {
    const names = end(which);
    const pue = at(explanation, `pue.${which}`);
    return typeof pue === "number" ? { ...names, pue } : names;
  };
  const ends = [evaluate(lines, end("min")), evaluate(lines, end("max"))];
  const [low, high] = [evaluate(lines, outer("min")), evaluate(lines, outer("max"))];
  const mean = (name: string): number =>
    ends.reduce((sum, names) => sum + value(names, name), 0) / ends.length;
  return {
    energy: mean("energy_wh"),
    carbon: mean("carbon_g"),
    per1k: mean("carbon_per_1k_tokens_g"),
    energyLow: value(low, "energy_wh"),
    energyHigh: value(high, "energy_wh"),
    carbonLow: value(low, "carbon_g"),
    carbonHigh: value(high, "carbon_g"),
  };
}

/** The value at a dotted path; undefined where there is none. */
export function at(from: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (found, name) =>
        typeof found === "object" && found !== null ? Reflect.get(found, name) : undefined,
      from,
    );
}

/** The number at a path. */
export function number(from: unknown, path: string): number {
  const found = at(from, path);
  if (typeof found !== "number") throw new Error(`The answer has no number at ${path}`);
  return found;
}

function list(from: unknown): unknown[] {
  if (!Array.isArray(from)) throw new Error("The answer has no list where one is needed");
  return from;
}

/** Members that are numbers, as the formula writes them: `energyAlpha` is its `energy_alpha`. */
function numbers(from: unknown, prefix = ""): Names {
  if (typeof from !== "object" || from === null) return {};
  const found: Names = {};
  for (const [name, member] of Object.entries(from)) {
    if (typeof member !== "number") continue;
    found[prefix + name] = member;
    found[prefix + name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)] = member;
  }
  return found;
}

function sumOfTokens(tokens: unknown): number {
  return ["input_fresh", "cache_read", "cache_write", "output_visible", "reasoning"].reduce(
    (sum, name) => sum + number(tokens, name),
    0,
  );
}

/** Takes the lines `name = expression, words`, each on what those it needs came to, in whatever order they stand. */
function evaluate(lines: readonly string[], known: Names): Names {
  const names = { ...known };
  for (const line of lines) {
    const [, name, expression] = /^(\w+) = ([^,]+)/.exec(line) ?? [];
    if (name !== undefined && expression !== undefined)
      names[name] = new Expression(expression, names).value();
  }
  return names;
}

function value(names: Names, name: string): number {
  const found = names[name];
  if (found === undefined) throw new Error(`The answer does not say what ${name} is`);
  return found;
}

/** Sums, products, powers, brackets and three functions. */
class Expression {
  private readonly words: string[];
  constructor(
    text: string,
    private readonly names: Names,
  ) {
    this.words = text.match(/[a-zA-Z_][\w.]*|\d+(\.\d+)?|[-+*/^()]/g) ?? [];
  }

  value(): number {
    const result = this.sum();
    if (this.words.length > 0) throw new Error(`The formula goes on with ${this.words.join(" ")}`);
    return result;
  }

  private sum(): number {
    let result = this.product();
    for (;;) {
      if (this.take("+")) result += this.product();
      else if (this.take("-")) result -= this.product();
      else return result;
    }
  }

  private product(): number {
    let result = this.power();
    for (;;) {
      if (this.take("*")) result *= this.power();
      else if (this.take("/")) result /= this.power();
      else return result;
    }
  }

  private power(): number {
    const base = this.term();
    return this.take("^") ? base ** this.power() : base;
  }

  private term(): number {
    if (this.take("-")) return -this.term();
    if (this.take("(")) return this.closed();
    const word = this.words.shift() ?? "nothing";
    if (/^\d/.test(word)) return Number(word);
    if (!this.take("(")) return value(this.names, word);
    const argument = this.closed();
    if (word === "exp") return Math.exp(argument);
    if (word === "ceil") return Math.ceil(argument);
    if (word === "log2") return Math.log2(argument);
    throw new Error(`The formula needs ${word}(), which is not known`);
  }

  private closed(): number {
    const result = this.sum();
    if (!this.take(")")) throw new Error("The formula lacks a bracket");
    return result;
  }

  private take(word: string): boolean {
    if (this.words[0] !== word) return false;
    this.words.shift();
    return true;
  }
}
