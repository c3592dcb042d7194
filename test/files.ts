/**
 * All files of tests, in their order; without those that drive a browser where there is none: npm cannot install one. In CI
 * they never stay out.
 */
export async function testFiles(
  env: Readonly<Record<string, string | undefined>>,
  browser: string | undefined,
): Promise<string[]> {
  const all = [...new Bun.Glob("test/**/*.test.{ts,tsx}").scanSync()].toSorted();
  if (env["CI"] === "true" || browser !== undefined) return all.map((path) => `./${path}`);
  console.error(
    "\n*** The browser tests are SKIPPED: there is no Chromium. Install one, or set CHROMIUM to where it is ***\n",
  );
  const files: string[] = [];
  for (const path of all) {
    const drives =
      path.startsWith("test/browser/") || /\bstartBrowser\b/.test(await Bun.file(path).text());
    if (!drives) files.push(`./${path}`);
  }
  return files;
}
