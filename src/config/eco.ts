import { ConfigError } from "#src/config/error.ts";
import type { Picker } from "#src/config/pick.ts";
import type { FileConfig } from "#src/config/schema.ts";

/** Who tells the intensity of a grid as it is now. */
export const liveGrids = ["uk-carbon-intensity", "rte-eco2mix", "electricity-maps"] as const;
export type LiveGridName = (typeof liveGrids)[number];

/** How energy and carbon are estimated, and who hears of budgets. */
export interface EcoConfig {
  methodology: string;
  /** An operator's own table of grid intensities; empty without one. */
  gridFile: string;
  /** Live figures for routing, and for a figure beside the recorded one; empty without. */
  liveGrid: LiveGridName | "";
  /** Another address than its own; empty without. */
  liveGridUrl: string;
  /** By which we prove ourselves there; electricity-maps alone needs one. */
  liveGridToken: string | undefined;
  /** Percent of a carbon budget at which its owner is told, ascending. */
  carbonAlerts: readonly number[];
}

/** The variable, or credential file, with the key of Electricity Maps. */
const tokenName = "ELECTRICITY_MAPS_TOKEN";

/** What is estimated how. Throws ConfigError. */
export function ecoOf(
  file: FileConfig["eco"],
  {
    pick,
    choice,
    secret,
  }: Pick<Picker, "pick" | "choice"> & { secret(name: string): string | undefined },
): EcoConfig {
  const liveGrid = choice(
    "eco.live_grid",
    "LOWROUTER_LIVE_GRID",
    file?.live_grid,
    ["", ...liveGrids] as const,
    "",
  );
  const liveGridToken = secret(tokenName);
  if (liveGrid === "electricity-maps" && liveGridToken === undefined)
    throw new ConfigError(
      `Cannot use eco.live_grid = "electricity-maps": it needs a key. Set ${tokenName}, or take uk-carbon-intensity or rte-eco2mix, which need none`,
    );
  return {
    methodology: pick(
      "eco.methodology",
      "LOWROUTER_ECO_METHODOLOGY",
      file?.methodology,
      "v0.4-2026-01",
    ),
    gridFile: pick("eco.grid_file", "LOWROUTER_GRID_FILE", file?.grid_file, ""),
    liveGrid,
    liveGridUrl: urlOf(
      pick("eco.live_grid_url", "LOWROUTER_LIVE_GRID_URL", file?.live_grid_url, ""),
    ),
    liveGridToken,
    carbonAlerts: alertsOf(
      pick("eco.carbon_alerts", "LOWROUTER_CARBON_ALERTS", file?.carbon_alerts, "50,80,100"),
    ),
  };
}

function urlOf(text: string): string {
  if (text === "") return text;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol))
    throw new ConfigError(
      `Cannot use "${text}" for eco.live_grid_url: an address such as https://api.carbonintensity.org.uk is needed`,
    );
  return url.href.replace(/\/$/, "");
}

function alertsOf(text: string): number[] {
  const parts = text.split(",").map((part) => part.trim());
  const alerts = parts.filter((part) => part !== "").map(Number);
  return [...new Set(alerts)].sort((one, other) => one - other);
}
