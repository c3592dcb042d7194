import { whPerToken } from "#src/eco/energy.ts";
import { besides } from "#src/eco/grid-table.ts";
import type { EcoTables } from "#src/eco/load.ts";
import { loadMeasuredGpus, type MeasuredGpu } from "#src/eco/measured-gpus.ts";
import { linked } from "#src/web/public/tables.tsx";
import type { Column, Sheet } from "#src/web/sheet.tsx";

/** What a laboratory measured, as it came with this program. */
export const measuredGpus = loadMeasuredGpus();

/** Each configuration that was measured, with what each methodology says of one of its output tokens. */
export function laboratorySheet(tables: EcoTables): Sheet<MeasuredGpu> {
  const columns: Column<MeasuredGpu>[] = [
    { name: "model", title: "Model", value: ({ model }) => model },
    { name: "task", title: "Task", value: ({ task }) => task },
    { name: "gpu", title: "GPU", value: ({ gpu }) => gpu },
    { name: "gpus", title: "GPUs", kind: "figure", value: ({ gpus }) => gpus },
    { name: "precision", title: "Weights", value: ({ precision }) => precision },
    { name: "batch", title: "At a time", kind: "figure", value: ({ batch }) => batch },
    { name: "active_b", title: "Active", kind: "figure", value: ({ activeB }) => activeB },
    { name: "total_b", title: "Total", kind: "figure", value: ({ totalB }) => totalB },
    { name: "output_tokens", value: ({ outputTokens }) => outputTokens },
    {
      name: "wh_per_output_token",
      title: "Measured, Wh",
      kind: "figure",
      value: ({ whPerOutputToken }) => whPerOutputToken,
    },
    ...besides(tables, "").map((record): Column<MeasuredGpu> => ({
      name: `estimate_wh_${record.version}`,
      title: `${record.version}, Wh`,
      kind: "figure",
      value: (row) => whPerToken(record, row),
    })),
    { name: "year", value: ({ year }) => year },
    ...linked(),
  ];
  return { name: "laboratory", columns, rows: measuredGpus };
}
