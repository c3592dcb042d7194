import type { Deployment } from "#src/provider/deployment.ts";

/** A deployment at an address. */
export function deploymentAt(baseUrl: string): Deployment {
  return {
    provider: {
      id: "test",
      name: "Test",
      protocol: "openai-chat",
      baseUrl,
      auth: { type: "none" },
      env: [],
      regions: [],
      dataPolicy: {
        trainsOnData: null,
        retentionDays: null,
        zdr: "unknown",
        source: "test",
        read: "",
      },
      selfHosted: true,
      source: "test",
      read: "",
    },
    region: "global",
    basis: "assumed",
    country: undefined,
    gridZone: undefined,
    alsoSpeaks: [],
    baseUrl,
    headers: { authorization: "Bearer secret" },
  };
}
