declare const LOWROUTER_VERSION: string | undefined;
declare const LOWROUTER_COMMIT: string | undefined;

/** Version of this build, from package.json; `dev` when run from source. */
export const version: string = typeof LOWROUTER_VERSION === "string" ? LOWROUTER_VERSION : "dev";

/** Commit of this build. */
export const commit: string = typeof LOWROUTER_COMMIT === "string" ? LOWROUTER_COMMIT : "unknown";
