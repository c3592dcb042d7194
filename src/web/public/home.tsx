import { Page, type Visit } from "#src/web/layout.tsx";
import type { Source } from "#src/web/public/offers.ts";

/** What can be said of this gateway in numbers, each counted from what is loaded. */
export interface HomeNumbers {
  models: number;
  providers: number;
  regions: number;
  catalogue: number;
}

/** Counts what can be called now, and the regions of it whose grid is known. */
export function numbersOf({ app, services }: Source): HomeNumbers {
  const places = app.routes.deployments;
  return {
    models: services.models.filter((model) => app.routes.of(model).length > 0).length,
    providers: new Set(places.map(({ provider }) => provider.id)).size,
    regions: new Set(
      places.flatMap(({ provider, region }) =>
        services.gridOf(provider.id, region) === undefined ? [] : [region],
      ),
    ).size,
    catalogue: services.models.length,
  };
}

/** What this is, and the line that tries it. */
export function HomePage({ visit, numbers }: { visit: Visit; numbers: HomeNumbers }) {
  const cards: [number, string, string][] = [
    [numbers.models, "models can be called", "/models?routable=1"],
    [numbers.providers, "providers are configured", "/providers"],
    [numbers.regions, "regions with a known grid", "/methodology/regions"],
    [numbers.catalogue, "models in the catalogue", "/models"],
  ];
  return (
    <Page
      visit={visit}
      title="Home"
      about="An LLM gateway: one endpoint, one balance, and an energy and carbon estimate on every answer."
    >
      <h1>One endpoint for language models, with a footprint on every answer</h1>
      <p class="lead">
        LowRouter forwards requests to many providers, keeps to the region that you choose, accounts
        for every token, and says what each answer cost in money, energy and carbon.
      </p>
      <h2>This gateway</h2>
      <ul class="cards">
        {cards.map(([count, what, path]) => (
          <li class="card">
            <div class="figure">{count.toLocaleString("en-US")}</div>
            <a href={path}>{what}</a>
          </li>
        ))}
      </ul>
      <h2>Try it</h2>
      <p>
        OpenAI’s clients work as they are, with this address and a key of this gateway; those of
        Anthropic and Google have theirs here too.
      </p>
      <pre tabindex={0} aria-label="A first request with curl">
        <code>{`curl ${visit.origin}/v1/chat/completions \\
  -H "Authorization: Bearer $LOWROUTER_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "lowrouter/auto", "messages": [{"role": "user", "content": "Hello"}]}'`}</code>
      </pre>
      <h2>Look around</h2>
      <ul>
        <li>
          <a href="/models">Models</a>, with price, context, regions, and energy per 1,000 tokens
        </li>
        <li>
          <a href="/providers">Providers</a>, with where they compute and what they keep
        </li>
        <li>
          <a href="/methodology">Methodology</a>, with every table that a figure is made from
        </li>
        <li>
          <a href="/status">Status</a>, as the requests of the last minutes found it
        </li>
      </ul>
    </Page>
  );
}
