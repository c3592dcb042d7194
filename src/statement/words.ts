/** What a statement says in words, beside its figures. */

/** When a request belongs to a month. */
export const belongs =
  "A request belongs to the month in which it was accepted, UTC. Counted are the requests that had ended, and whose rows were in the ledger, when the statement was made.";

/** How sums are made. */
export const rounding =
  "The recorded figure of each request, in Wh and g CO2e, is multiplied by 10^12 in double precision and rounded once, to the nearest, to whole picowatt-hours and picograms; the ends of its interval likewise. Everything else is addition of whole numbers. The totals are the sums of the lines, and of every breakdown.";

/** What low and high are. */
export const intervalOf = {
  linear:
    "Low and high are the sums of each request's ends of the interval of its model's parameter count. They are bounds of sums, not a statistical confidence: every request at its low, or every one at its high end.",
  mlenergy:
    "Low and high are the sums of each request's ends: its model's parameter count at either end of the interval, with the published range of the provider's data-centre overhead (PUE), widened to the methodology's own value. They are bounds of sums, not a statistical confidence.",
  measured:
    "The operator's measurement stands for itself: there is no interval of parameters, and low and high are the figure.",
  unknown:
    "The record of this methodology is not bundled with the version that made this statement. Low and high are the ends that were recorded with each request, and the figure itself where none were.",
} as const;

/** Where the figures end. */
export const limits = [
  "Energy and carbon are estimates, unless a section says that they were measured. They are made from token counts, the number of active parameters of the model and the annual average of an electricity grid.",
  "The accuracy band speaks of what is known of the model's size, not of the grid or of the machine that answered. A band of gross means that the size is a guess.",
  "Where a provider does not say where it computes, the place is an assumption. The lines of the JSON and CSV forms say of each how its location is known.",
  "Requests without an estimate are in no sum of energy or carbon. They used energy, too.",
  "Sums over sections of different methodologies add figures with different boundaries.",
  "Grid intensities are location-based: contracts for renewable electricity and certificates are not considered.",
] as const;

/** Where the figures belong in an inventory. */
export const ghgProtocol = {
  scope: "Scope 3",
  category: "Category 1, purchased goods and services",
  method: "Average data",
  notes: [
    "For an organisation that buys inference as a service, what the computation emits is upstream of it: category 1 of scope 3 in the GHG Protocol's Corporate Value Chain Standard.",
    "The method is that of average data: a physical quantity (tokens, by model) times a modelled energy per token and an average grid intensity. No figure was supplied by a provider, so that nothing here is supplier-specific. A provider's own cradle-to-gate figure for the service, where there is one, takes precedence.",
    "Sections that are measured rest on the operator's own measurement at a server of its own. For the organisation that controls that server its electricity is scope 2, location-based, and not category 1: do not count it twice.",
    "Category 1 asks for all emissions up to delivery. This statement covers electricity in use alone; see what is not measured. It is a partial figure, and is to be disclosed as one.",
    "The unit is CO2 equivalent as the sources of the grid intensities have it. Their basis differs, and is named with each: life-cycle values include the making of fuels and plants, direct values only what leaves the stack.",
  ],
} as const;

/** How the rows are proved. */
export const ledgerHow =
  "Each row of the ledger holds the SHA-256 of the hash before it and its own record, in a chain of its gateway process. A head names the last row of a chain that is in this statement: it fixes that row and every row of the chain before it. With the database, audit verify recomputes the chains and finds the heads.";
