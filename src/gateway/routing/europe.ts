/** Countries of the European Union, and those of the European Economic Area besides, ISO 3166 alpha-2. */
const countries: ReadonlySet<string> = new Set(
  "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK IS LI NO".split(
    " ",
  ),
);

/** The name that stands for all of them wherever a region can be given. */
export const europe = "eu";

export function isEuropean(country: string | undefined): boolean {
  return country !== undefined && countries.has(country);
}

export const europeanCountries: Iterable<string> = countries;
