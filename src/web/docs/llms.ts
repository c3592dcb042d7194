import { type Book, fillOrigin } from "#src/web/docs/book.ts";

const summary =
  "An LLM gateway in one executable: one endpoint in front of many providers, one balance, and an energy and carbon estimate on every answer.";

/** The pages as a list for language models: https://llmstxt.org. */
export function llmsList({ pages }: Book, origin: string): string {
  const sections = Map.groupBy(pages, ({ section }) => section);
  const lists = [...sections].map(([section, group]) => {
    const lines = group.map(
      ({ path, title, about }) => `- [${title}](${origin}${path}.md): ${about}`,
    );
    return `## ${section}\n\n${lines.join("\n")}`;
  });
  return `# LowRouter\n\n> ${summary}\n\nEverything in one file: ${origin}/llms-full.txt. The API as OpenAPI 3.1: ${origin}/openapi.json.\n\n${lists.join("\n\n")}\n`;
}

/** Every page, one after the other. */
export function llmsFull({ pages }: Book, origin: string): string {
  const parts = pages.map(
    ({ path, markdown }) => `Source: ${origin}${path}\n\n${fillOrigin(markdown, origin).trim()}`,
  );
  return `${parts.join("\n\n---\n\n")}\n`;
}
