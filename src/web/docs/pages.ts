/** The pages of the documentation, in reading order. Content and nothing else, a line or two for each. */
import clients from "#docs/clients.md" with { type: "text" };
import routingRules from "#docs/routing.md" with { type: "text" };
import anthropicClient from "#src/web/content/integrations/anthropic.md" with { type: "text" };
import apiAccount from "#src/web/content/api/account.md" with { type: "text" };
import apiByok from "#src/web/content/api/byok.md" with { type: "text" };
import apiChat from "#src/web/content/api/chat.md" with { type: "text" };
import apiConventions from "#src/web/content/api/conventions.md" with { type: "text" };
import apiErrors from "#src/web/content/api/errors.md" with { type: "text" };
import apiGemini from "#src/web/content/api/gemini.md" with { type: "text" };
import apiGenerations from "#src/web/content/api/generations.md" with { type: "text" };
import apiKeys from "#src/web/content/api/keys.md" with { type: "text" };
import apiMessages from "#src/web/content/api/messages.md" with { type: "text" };
import apiModels from "#src/web/content/api/models.md" with { type: "text" };
import apiProviderProxy from "#src/web/content/api/provider-proxy.md" with { type: "text" };
import apiReference from "#src/web/content/api/reference.md" with { type: "text" };
import apiResponses from "#src/web/content/api/responses.md" with { type: "text" };
import apiWebhooks from "#src/web/content/api/webhooks.md" with { type: "text" };
import apiTextAndEmbeddings from "#src/web/content/api/text-and-embeddings.md" with { type: "text" };
import claudeCodeClient from "#src/web/content/integrations/claude-code.md" with { type: "text" };
import codingAgents from "#src/web/content/integrations/coding-agents.md" with { type: "text" };
import codexClient from "#src/web/content/integrations/codex.md" with { type: "text" };
import comingSoon from "#src/web/content/coming-soon.md" with { type: "text" };
import continueClient from "#src/web/content/integrations/continue.md" with { type: "text" };
import curlClient from "#src/web/content/integrations/curl.md" with { type: "text" };
import faq from "#src/web/content/faq.md" with { type: "text" };
import gettingStarted from "#src/web/content/getting-started.md" with { type: "text" };
import googleClient from "#src/web/content/integrations/google.md" with { type: "text" };
import guidesBudgetsAndKeys from "#src/web/content/guides/budgets-and-keys.md" with { type: "text" };
import guidesByok from "#src/web/content/guides/byok.md" with { type: "text" };
import guidesFirstRequest from "#src/web/content/guides/first-request.md" with { type: "text" };
import guidesGridData from "#src/web/content/guides/grid-data.md" with { type: "text" };
import guidesFootprint from "#src/web/content/guides/footprint.md" with { type: "text" };
import guidesLocalEngines from "#src/web/content/guides/local-engines.md" with { type: "text" };
import guidesMoving from "#src/web/content/guides/moving.md" with { type: "text" };
import guidesRoutingAndResidency from "#src/web/content/guides/routing-and-residency.md" with { type: "text" };
import guidesStreaming from "#src/web/content/guides/streaming.md" with { type: "text" };
import index from "#src/web/content/index.md" with { type: "text" };
import langchainClient from "#src/web/content/integrations/langchain.md" with { type: "text" };
import modelsAndProviders from "#src/web/content/models-and-providers.md" with { type: "text" };
import openWebuiClient from "#src/web/content/integrations/open-webui.md" with { type: "text" };
import openaiClient from "#src/web/content/integrations/openai.md" with { type: "text" };
import operatingBackupAndUpgrade from "#src/web/content/operating/backup-and-upgrade.md" with { type: "text" };
import operatingCommandLine from "#src/web/content/operating/command-line.md" with { type: "text" };
import operatingConfiguration from "#src/web/content/operating/configuration.md" with { type: "text" };
import operatingDoctor from "#src/web/content/operating/doctor.md" with { type: "text" };
import operatingFaults from "#src/web/content/operating/faults.md" with { type: "text" };
import operatingInstall from "#src/web/content/operating/install.md" with { type: "text" };
import operatingMachines from "#src/web/content/operating/machines.md" with { type: "text" };
import operatingMail from "#src/web/content/operating/mail.md" with { type: "text" };
import operatingPayments from "#src/web/content/operating/payments.md" with { type: "text" };
import operatingMetrics from "#src/web/content/operating/metrics.md" with { type: "text" };
import operatingMicroseconds from "#src/web/content/operating/microseconds.md" with { type: "text" };
import operatingOpentelemetry from "#src/web/content/operating/opentelemetry.md" with { type: "text" };
import operatingPeople from "#src/web/content/operating/people.md" with { type: "text" };
import operatingSystemd from "#src/web/content/operating/systemd.md" with { type: "text" };
import operatingThreatModel from "#src/web/content/operating/threat-model.md" with { type: "text" };
import operatingWorkers from "#src/web/content/operating/workers.md" with { type: "text" };
import philosophy from "#src/web/content/philosophy.md" with { type: "text" };
import sustainableAiIndex from "#src/web/content/sustainable-ai/index.md" with { type: "text" };
import sustainableAiMethodology from "#src/web/content/sustainable-ai/methodology.md" with { type: "text" };
import vercelAiSdkClient from "#src/web/content/integrations/vercel-ai-sdk.md" with { type: "text" };

/** A page as it was written. */
export interface Leaf {
  path: string;
  section: string;
  about: string;
  markdown: string;
}

type Written = readonly [path: string, markdown: string, about: string];

/** The address in the files that stand in the repository too, where nobody fills in the reader's own. */
const exampleAddress = "http://127.0.0.1:4000";

const sections: readonly (readonly [section: string, pages: readonly Written[]])[] = [
  [
    "Start",
    [
      ["", index, "Where to begin"],
      ["/philosophy", philosophy, "Why LowRouter exists, and what it is not"],
      ["/getting-started", gettingStarted, "From nothing to a first answer"],
    ],
  ],
  [
    "Guides",
    [
      [
        "/guides/first-request",
        guidesFirstRequest,
        "What an answer tells you: block, headers, record",
      ],
      [
        "/guides/streaming",
        guidesStreaming,
        "Streams in every dialect, their ends and their errors",
      ],
      [
        "/guides/routing-and-residency",
        guidesRoutingAndResidency,
        "Pins, policies, providers and fallbacks",
      ],
      [
        "/guides/routing-rules",
        routingRules,
        "Every rule by which a request finds its route, and every reason in the trace",
      ],
      ["/guides/budgets-and-keys", guidesBudgetsAndKeys, "Keys, limits, credit and carbon budgets"],
      [
        "/guides/footprint",
        guidesFootprint,
        "Energy and carbon of a request, and how to make them smaller",
      ],
      ["/guides/grid-data", guidesGridData, "Grid tables, your own among them, and live grids"],
      ["/guides/byok", guidesByok, "An account's own keys of providers"],
      [
        "/guides/local-engines",
        guidesLocalEngines,
        "Your own servers behind the gateway, with measured energy",
      ],
      ["/guides/moving", guidesMoving, "From LiteLLM, OpenRouter or a provider's own API"],
    ],
  ],
  [
    "Integrations",
    [
      ["/integrations", clients, "What to set in each client"],
      ["/integrations/openai", openaiClient, "OpenAI's SDKs for TypeScript and Python"],
      ["/integrations/anthropic", anthropicClient, "Anthropic's SDKs for TypeScript and Python"],
      ["/integrations/google", googleClient, "Google's SDKs for TypeScript and Python"],
      [
        "/integrations/vercel-ai-sdk",
        vercelAiSdkClient,
        "The ai package with any of four providers",
      ],
      ["/integrations/langchain", langchainClient, "LangChain in Python and TypeScript"],
      ["/integrations/claude-code", claudeCodeClient, "Claude Code with any model"],
      ["/integrations/codex", codexClient, "Codex over Responses"],
      ["/integrations/continue", continueClient, "Continue in the editor and in a terminal"],
      ["/integrations/coding-agents", codingAgents, "Other agents that write code"],
      ["/integrations/open-webui", openWebuiClient, "Open WebUI with the key's models"],
      ["/integrations/curl", curlClient, "Every dialect by hand"],
    ],
  ],
  [
    "API",
    [
      ["/api", apiReference, "Every path, parameter and shape"],
      ["/api/conventions", apiConventions, "Keys, headers, ids, times and money"],
      ["/api/chat", apiChat, "Chat in OpenAI's shape"],
      ["/api/text-and-embeddings", apiTextAndEmbeddings, "Text completions and embeddings"],
      ["/api/responses", apiResponses, "OpenAI's Responses"],
      ["/api/messages", apiMessages, "Anthropic's Messages, with token counting"],
      ["/api/gemini", apiGemini, "Google's calls"],
      ["/api/provider-proxy", apiProviderProxy, "A provider's own API, byte for byte"],
      ["/api/models", apiModels, "The catalogue, providers and methodology over HTTP"],
      ["/api/generations", apiGenerations, "The record of one request"],
      ["/api/account", apiAccount, "Balance, transactions, activity and totals"],
      ["/api/keys", apiKeys, "Making and changing keys"],
      ["/api/byok", apiByok, "Keeping own provider keys"],
      ["/api/webhooks", apiWebhooks, "Being told what happens, with signatures and retries"],
      ["/api/errors", apiErrors, "The closed table of codes, and when to try again"],
    ],
  ],
  [
    "Models and providers",
    [
      [
        "/models-and-providers",
        modelsAndProviders,
        "The catalogue, credentials, clouds and regions",
      ],
    ],
  ],
  [
    "Sustainable AI",
    [
      [
        "/sustainable-ai",
        sustainableAiIndex,
        "What is estimated, what is not, and what is not claimed",
      ],
      [
        "/sustainable-ai/methodology",
        sustainableAiMethodology,
        "Formula, inputs, accuracy and limits",
      ],
    ],
  ],
  [
    "Operating it",
    [
      ["/operating/install", operatingInstall, "Build, start, health, exit codes"],
      ["/operating/systemd", operatingSystemd, "A unit, and why it is so"],
      ["/operating/workers", operatingWorkers, "Several cores, replacing workers while serving"],
      ["/operating/machines", operatingMachines, "Several machines on one database"],
      [
        "/operating/configuration",
        operatingConfiguration,
        "Every key, its default and its variable",
      ],
      [
        "/operating/backup-and-upgrade",
        operatingBackupAndUpgrade,
        "Copies, restoring, verifying, new versions",
      ],
      ["/operating/faults", operatingFaults, "What a request meets when something fails"],
      ["/operating/people", operatingPeople, "The first administrator, invitations, signing in"],
      ["/operating/mail", operatingMail, "A mail server, and what is sent"],
      ["/operating/payments", operatingPayments, "Granting credit, and selling it by card"],
      ["/operating/metrics", operatingMetrics, "Counters for Prometheus, and who may read them"],
      [
        "/operating/opentelemetry",
        operatingOpentelemetry,
        "Traces and metrics for a collector, by the GenAI conventions",
      ],
      [
        "/operating/microseconds",
        operatingMicroseconds,
        "How the time of a request is made up, and how to look for yourself",
      ],
      [
        "/operating/threat-model",
        operatingThreatModel,
        "Who could attack it, what stops them, and the test that shows it",
      ],
      ["/operating/doctor", operatingDoctor, "What is checked, and what often is wrong"],
      ["/operating/command-line", operatingCommandLine, "Every command"],
    ],
  ],
  [
    "Questions",
    [
      ["/faq", faq, "Short answers"],
      ["/coming-soon", comingSoon, "What is planned and not there yet"],
    ],
  ],
];

export const leaves: readonly Leaf[] = sections.flatMap(([section, pages]) =>
  pages.map(([path, markdown, about]) => ({
    path: `/docs${path}`,
    section,
    about,
    markdown: markdown.replaceAll(exampleAddress, "{{origin}}"),
  })),
);
