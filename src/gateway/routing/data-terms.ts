import type { Endpoint } from "#src/catalog/model.ts";

/** Whether what is sent to an endpoint may be used for training; so too where nobody says. */
export function mayTrain({ dataPolicy }: Endpoint): boolean {
  return dataPolicy.trainsOnData !== false;
}

/** Whether an endpoint may keep what is sent to it; so too where nobody says. */
export function mayRetain({ dataPolicy: { zdr, retentionDays } }: Endpoint): boolean {
  return zdr !== "default" && retentionDays !== 0;
}
