import { describe, expect, test } from "bun:test";
import { BarChart } from "#src/web/charts/bar.tsx";
import { LineChart } from "#src/web/charts/line.tsx";
import { StackedChart } from "#src/web/charts/stacked.tsx";
import { elementsOf, forbidden, tableOf } from "#test/web/outline.ts";

const days = ["2026-11-01", "2026-11-02", "2026-11-03"];
const shared = {
  id: "use",
  title: "Requests by day",
  unit: "requests",
  labelName: "Day",
  labels: days,
  unknown: "Nothing was counted",
};

interface Mark {
  tag: string;
  of: Record<string, string>;
}

async function marksOf(html: string, mark: string): Promise<Mark[]> {
  const elements = await elementsOf(html);
  return elements
    .map(({ tag, attributes }) => ({ tag, of: Object.fromEntries(attributes) }))
    .filter(({ of }) => (of.class ?? "").split(" ").includes(mark));
}

describe("every chart", () => {
  const series = [
    { name: "openai", values: [1, undefined, 3] },
    { name: "mistral", values: [4, 5, 6] },
  ];
  const charts = [
    ["lines", String(<LineChart {...shared} series={series} />)],
    ["stack", String(<StackedChart {...shared} series={series} />)],
    [
      "bars",
      String(
        <BarChart
          {...shared}
          valueName="Requests"
          bars={days.map((label, at) => ({ label, value: series[0]?.values[at] }))}
        />,
      ),
    ],
  ] as const;

  test.each(charts)(
    "%s has its title, its unit, and the limits of the estimate beside it",
    (_, html) => {
      expect(html).toContain("<strong>Requests by day</strong>, requests");
      expect(html).toContain('aria-label="Requests by day, requests.');
      expect(html).toContain("Not measured: training");
      expect(html).toContain("</svg>");
    },
  );

  test.each(charts)(
    "%s gives the same numbers as a table, and says why one is missing",
    async (name, html) => {
      const rows = await tableOf(html, /Requests by day/);
      expect(rows.map(([label]) => label)).toEqual(days);
      expect(rows.map((row) => row[1]?.slice(0, 1))).toEqual(["1", "—", "3"]);
      if (name !== "bars") expect(rows.map((row) => row[2])).toEqual(["4", "5", "6"]);
      expect(html).toContain('title="Nothing was counted"');
    },
  );

  test.each(charts)("%s says in the drawing what its axes are, and in which unit", (name, html) => {
    const drawing = html.slice(html.indexOf('<svg viewBox="0 0 640'), html.lastIndexOf("</svg>"));
    const texts = [...drawing.matchAll(/<text [^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
    expect(texts).toContain("Day");
    expect(texts).toContain(name === "bars" ? "Requests, requests" : "requests");
  });

  test.each(charts)("%s is drawn by classes alone", async (_, html) => {
    const elements = await elementsOf(html);
    expect(forbidden(elements)).toEqual([]);
    const colours = elements.flatMap(({ attributes }) =>
      attributes.filter(
        ([name, value]) => /^(fill|stroke)$/.test(name) && !value.startsWith("url(#use-"),
      ),
    );
    expect(colours).toEqual([]);
  });

  test("escapes what it is given", async () => {
    const evil = '"><script>alert(1)</script>';
    const html = String(
      <StackedChart
        {...shared}
        title={evil}
        labels={[evil]}
        unit={evil}
        series={[
          { name: evil, values: [1] },
          { name: evil, values: [1] },
        ]}
      />,
    );
    expect(forbidden(await elementsOf(html))).toEqual([]);
    expect(html.includes(evil)).toBe(false);
  });

  test("stands on no numbers at all", () => {
    expect(String(<LineChart {...shared} labels={[]} series={[]} />)).not.toContain("NaN");
    expect(String(<StackedChart {...shared} labels={[]} series={[]} />)).not.toContain("NaN");
    expect(String(<BarChart {...shared} valueName="x" bars={[]} />)).not.toContain("NaN");
  });
});

describe("what is drawn reaches the mark of its value", () => {
  const series = [{ name: "a", values: [0, 2, 4] }];

  /** Where the scale has its mark for a value. */
  async function markOf(html: string, value: string, axis: "x" | "y"): Promise<number> {
    const found = new RegExp(`<text class="tick" x="([\\d.]+)" y="([\\d.]+)"[^>]*>${value}</text>`);
    const [, x, y] = found.exec(html) ?? [];
    // The text stands a little below its line.
    return axis === "x" ? Number(x) : Number(y) - 4;
  }

  test("lines", async () => {
    const html = String(<LineChart {...shared} series={series} />);
    const [line] = await marksOf(html, "line");
    const heights = [...(line?.of.d ?? "").matchAll(/,([\d.]+)/g)].map(([, y]) => Number(y));
    for (const [at, value] of ["0", "2", "4"].entries())
      expect(heights[at]).toBeCloseTo(await markOf(html, value, "y"), 0);
  });

  test("layers", async () => {
    const html = String(<StackedChart {...shared} series={series} />);
    const [layer] = await marksOf(html, "outline");
    const tops = [...(layer?.of.d ?? "").matchAll(/V([\d.]+)h/g)].map(([, y]) => Number(y));
    for (const [at, value] of ["2", "4"].entries())
      expect(tops[at]).toBeCloseTo(await markOf(html, value, "y"), 0);
  });

  test("bars", async () => {
    const html = String(
      <BarChart {...shared} valueName="Carbon" bars={[{ label: "eu-north", value: 4 }]} />,
    );
    const [bar] = await marksOf(html, "layer");
    const end = Number(bar?.of.x) + Number(bar?.of.width);
    expect(end).toBeCloseTo(await markOf(html, "4", "x"), 0);
  });
});

describe("lines", () => {
  test("are broken where a value is not known, never drawn at nought", async () => {
    const html = String(
      <LineChart {...shared} series={[{ name: "a", values: [2, undefined, 2] }]} />,
    );
    const [line] = await marksOf(html, "line");
    expect(line?.of.d?.match(/M/g)?.length).toBe(2);
    const signs = await marksOf(html, "mark");
    expect(signs.length).toBe(2);
  });

  test("differ by strokes and signs, not by colour alone", async () => {
    const series = ["a", "b", "c", "d", "e", "f"].map((name, at) => ({
      name,
      values: [at, at, at],
    }));
    const html = String(<LineChart {...shared} series={series} />);
    const lines = (await marksOf(html, "line")).map(({ of }) => of["stroke-dasharray"]);
    expect(new Set(lines).size).toBe(6);
    const shapes = (await marksOf(html, "mark")).map(({ of }) =>
      (of.d ?? "").replace(/^M[\d.]+ [\d.]+/, ""),
    );
    expect(new Set(shapes).size).toBe(6);
  });

  test("of a year stay small", () => {
    const labels = Array.from({ length: 366 }, (_, at) => `day ${at}`);
    const series = Array.from({ length: 6 }, (_, at) => ({
      name: `series ${at}`,
      values: labels.map((_, index) => Math.abs(Math.sin(index + at)) * 1e6),
    }));
    const html = String(<LineChart {...shared} labels={labels} series={series} />);
    expect(Bun.gzipSync(html).length).toBeLessThan(40_000);
    const stacked = String(<StackedChart {...shared} labels={labels} series={series} />);
    expect(Bun.gzipSync(stacked).length).toBeLessThan(50_000);
  });
});

describe("layers", () => {
  test("stand on each other, and are hatched", async () => {
    const html = String(
      <StackedChart
        {...shared}
        labels={["x"]}
        series={[
          { name: "a", values: [1] },
          { name: "b", values: [3] },
        ]}
      />,
    );
    const spans = (await marksOf(html, "outline")).flatMap(({ tag, of }) => {
      const [, start, end] = /^M[\d.]+ ([\d.]+)V([\d.]+)/.exec(of.d ?? "") ?? [];
      return tag === "path" ? [[Number(start), Number(end)] as const] : [];
    });
    const [below = [0, 0], above = [0, 0]] = spans;
    expect(above[0]).toBe(below[1]);
    expect((above[0] - above[1]) / (below[0] - below[1])).toBeCloseTo(3, 1);
    expect(html).toContain('fill="url(#use-hatch-1)"');
    expect(html).toContain('fill="url(#use-hatch-2)"');
    const fills = html.match(/<pattern id="use-hatch-\d"/g);
    expect(fills?.length).toBe(2);
  });
});

describe("bars", () => {
  test("are as long as their values, with the interval and the figure beside them", async () => {
    const html = String(
      <BarChart
        {...shared}
        valueName="Carbon"
        bars={[
          { label: "eu-north", value: 10, low: 5, high: 20 },
          { label: "us-east", value: 40, low: 40, high: 40 },
          { label: "nowhere", value: undefined },
        ]}
      />,
    );
    const bars = (await marksOf(html, "layer")).map(({ of }) => Number(of.width));
    expect(bars.length).toBe(2);
    expect((bars[1] ?? 0) / (bars[0] ?? 1)).toBeCloseTo(4, 1);
    const whiskers = await marksOf(html, "whisker");
    expect(whiskers.length).toBe(1);
    const rows = await tableOf(html, /Requests by day/);
    expect(rows.map((row) => row.slice(1, 4).map((cell) => cell.slice(0, 2)))).toEqual([
      ["10", "5", "20"],
      ["40", "40", "40"],
      ["—N", "—N", "—N"].map((cell) => `${cell[0]} `),
    ]);
  });
});
