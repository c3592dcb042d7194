/**
 * All tests but those that drive a browser, where there is none: npm cannot install one. Nothing, which means all, where
 * there is one, and in CI, where they never stay out.
 */
export async function withoutBrowser(
  env: Readonly<Record<string, string | undefined>>,
  browser: string | undefined,
): Promise<string[]> {
  if (env["CI"] === "true" || browser !== undefined) return [];
  console.error(
    "\n*** The browser tests are SKIPPED: there is no Chromium. Install one, or set CHROMIUM to where it is ***\n",
  );
  const files: string[] = [];
  for (const path of new Bun.Glob("test/**/*.test.{ts,tsx}").scanSync()) {
    const drives =
      path.startsWith("test/browser/") || /\bstartBrowser\b/.test(await Bun.file(path).text());
    if (!drives) files.push(`./${path}`);
  }
  return files;
}
