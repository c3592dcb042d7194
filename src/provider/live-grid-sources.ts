import * as v from "valibot";
import type { LiveGridName } from "#src/config/eco.ts";

/** The intensity of a zone's grid at a time, as somebody told it. */
export interface LiveReading {
  /** Zone of the grid tables. */
  zone: string;
  /** g CO2 per kWh; CO2e where `basis` is lifecycle. */
  gPerKwh: number;
  /** What it is of, Unix milliseconds: the start of a slot. */
  at: number;
  basis: "lifecycle" | "direct";
  scope: "production" | "consumption";
  /** A forecast or an estimate, where the measured figure is not there yet. */
  estimated: boolean;
}

/** A place of a source that is asked for one zone. */
export interface LiveQuery {
  path: string;
  headers: Record<string, string>;
  /** Throws {@link NoReading} for an answer that cannot be used. */
  read(answer: unknown): LiveReading;
}

/** Somebody who tells intensities as they are now. */
export interface LiveSource {
  name: LiveGridName;
  baseUrl: string;
  /** Milliseconds between two looks: what is asked more often than it changes is a burden. */
  everyMs: number;
  /** How a zone is asked for; undefined where it is not covered. `country`: ISO 3166 alpha-2 of the zone, where it is one. */
  query(zone: string, country: string | undefined): LiveQuery | undefined;
}

/** Why an answer was no reading. */
export class NoReading extends Error {
  override readonly name = "NoReading";
}

const minute = 60_000;

/** The source of a name. `token`: for the one that needs it. */
export function liveSource(name: LiveGridName, token: string | undefined): LiveSource {
  switch (name) {
    case "uk-carbon-intensity":
      return carbonIntensity;
    case "rte-eco2mix":
      return eco2mix;
    case "electricity-maps":
      return electricityMaps(token ?? "");
  }
}

const slot = v.looseObject({
  from: v.string(),
  to: v.string(),
  intensity: v.looseObject({
    forecast: v.nullish(v.number()),
    actual: v.nullish(v.number()),
  }),
});

/** Great Britain, by NESO, CC BY 4.0. Source: https://carbon-intensity.github.io/api-definitions/ */
const carbonIntensity: LiveSource = {
  name: "uk-carbon-intensity",
  baseUrl: "https://api.carbonintensity.org.uk",
  everyMs: 30 * minute,
  query: (zone) =>
    zone === "GBR"
      ? {
          path: "/intensity",
          headers: { accept: "application/json" },
          read(answer) {
            const told = shaped(v.looseObject({ data: v.array(slot) }), answer);
            const [first] = told.data;
            if (first === undefined) throw new NoReading("it holds no slot");
            const { actual, forecast } = first.intensity;
            return {
              zone,
              gPerKwh: grams(actual ?? forecast),
              at: timeOf(first.from),
              basis: "direct",
              scope: "consumption",
              // The slot that runs has no measured figure yet.
              estimated: actual === null || actual === undefined,
            };
          },
        }
      : undefined,
};

const eco2mixRow = v.looseObject({ date_heure: v.string(), taux_co2: v.nullish(v.number()) });

/** France, by RTE through ODRÉ, Licence Ouverte 2.0. Source: https://odre.opendatasoft.com/explore/dataset/eco2mix-national-tr/ */
const eco2mix: LiveSource = {
  name: "rte-eco2mix",
  baseUrl: "https://odre.opendatasoft.com",
  everyMs: 15 * minute,
  query: (zone) =>
    zone === "FRA"
      ? {
          path: `/api/explore/v2.1/catalog/datasets/eco2mix-national-tr/records?${new URLSearchParams(
            {
              select: "date_heure,taux_co2",
              // Rows of the hours to come are there already, without values.
              where: "taux_co2 is not null",
              order_by: "date_heure desc",
              limit: "1",
            },
          )}`,
          headers: { accept: "application/json" },
          read(answer) {
            const told = shaped(v.looseObject({ results: v.array(eco2mixRow) }), answer);
            const row = told.results.find(({ taux_co2: rate }) => typeof rate === "number");
            if (row === undefined) throw new NoReading("it holds no row with a value");
            return {
              zone,
              gPerKwh: grams(row.taux_co2),
              at: timeOf(row.date_heure),
              basis: "direct",
              scope: "production",
              estimated: false,
            };
          },
        }
      : undefined,
};

const electricityMapsAnswer = v.looseObject({
  zone: v.string(),
  carbonIntensity: v.number(),
  datetime: v.string(),
  emissionFactorType: v.nullish(v.picklist(["lifecycle", "direct"])),
  isEstimated: v.nullish(v.boolean()),
});

/** Most of the world, by Electricity Maps, under contract. Source: https://app.electricitymaps.com/docs */
function electricityMaps(token: string): LiveSource {
  return {
    name: "electricity-maps",
    baseUrl: "https://api.electricitymaps.com",
    everyMs: 60 * minute,
    query: (zone, country) =>
      country === undefined
        ? undefined
        : {
            path: `/v3/carbon-intensity/latest?${new URLSearchParams({ zone: country })}`,
            headers: { accept: "application/json", "auth-token": token },
            read(answer) {
              const told = shaped(electricityMapsAnswer, answer);
              // Without a zone that it knows, it may answer for where the caller is.
              if (told.zone !== country) throw new NoReading("it is of another zone");
              return {
                zone,
                gPerKwh: grams(told.carbonIntensity),
                at: timeOf(told.datetime),
                basis: told.emissionFactorType ?? "lifecycle",
                scope: "consumption",
                estimated: told.isEstimated === true,
              };
            },
          },
  };
}

function shaped<T extends v.GenericSchema>(schema: T, answer: unknown): v.InferOutput<T> {
  refuseUnits(answer);
  const parsed = v.safeParse(schema, answer, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new NoReading(`its "${v.getDotPath(issue) ?? "body"}" is missing or of another kind`);
}

const unitAnswer = v.looseObject({ unit: v.optional(v.string()), units: v.optional(v.string()) });

/** Where an answer says its unit, it has to be ours. */
function refuseUnits(answer: unknown): void {
  const parsed = v.safeParse(unitAnswer, answer);
  const unit = parsed.success ? (parsed.output.unit ?? parsed.output.units) : undefined;
  if (unit === undefined || /^g ?co2(e|eq)?\/kwh$/i.test(unit.trim())) return;
  throw new NoReading("it is in another unit than g CO2/kWh");
}

/** No grid of today is outside of these: a figure below is in kilograms, one above in milligrams or no intensity. */
const [least, most] = [1, 2000];

function grams(value: number | null | undefined): number {
  if (value !== null && value !== undefined && value >= least && value <= most) return value;
  throw new NoReading(`its figure is missing, or not from ${least} to ${most} g CO2/kWh`);
}

function timeOf(text: string): number {
  // Some leave the seconds out, which not every reader of times takes.
  const whole = /^\d{4}-\d\d-\d\dT\d\d:\d\dZ$/.test(text) ? text.replace("Z", ":00Z") : text;
  const at = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:?\d\d)$/.test(whole) ? Date.parse(whole) : Number.NaN;
  if (Number.isNaN(at)) throw new NoReading("its time is missing, or without a zone");
  return at;
}
