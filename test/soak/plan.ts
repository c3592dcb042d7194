import * as v from "valibot";

/** What the clients are told to do. */
export const loadPlan = v.strictObject({
  url: v.string(),
  requests: v.number(),
  clients: v.number(),
  seed: v.string(),
  keys: v.strictObject({
    plain: v.array(v.string()),
    limited: v.string(),
    management: v.string(),
  }),
});
export type LoadPlan = v.InferOutput<typeof loadPlan>;

const loadSeen = v.strictObject({
  requests: v.number(),
  /** By kind of request, how often each status came. */
  outcomes: v.record(v.string(), v.record(v.string(), v.number())),
  /** Generations of answers that were seen whole. */
  complete: v.array(v.string()),
  /** Answers that named a generation, errors and broken ones among them. */
  named: v.number(),
  /** Requests that ended with nothing that says whether they were let in. */
  left: v.number(),
  /** What should not have been. */
  findings: v.array(v.string()),
});
export type LoadSeen = v.InferOutput<typeof loadSeen>;

/** What the clients tell: how far they are, and at last what they saw. */
export const loadNews = v.union([
  v.strictObject({ requests: v.number() }),
  v.strictObject({ seen: loadSeen }),
]);
