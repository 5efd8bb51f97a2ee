import { getCountryDataList } from 'countries-list';

/** The English name of a country, of its code of two or three letters or of one of its names; undefined for others. */
export function countryName(text: string): string | undefined {
  return COUNTRIES.get(keyOf(text))?.name;
}

/** The code of two letters (ISO 3166-1), of a code or of a name; undefined for others. */
export function countryCode(text: string): string | undefined {
  return COUNTRIES.get(keyOf(text))?.iso2;
}

/** By everything that a country is called: names go before codes, since some aliases are as short as a code (UK). */
const COUNTRIES = new Map(
  getCountryDataList()
    .flatMap((country) => {
      const { iso2, iso3, name, native, alias = [] } = country;
      return [...alias, native, name, iso3, iso2].map((called) => [keyOf(called), country] as const);
    })
    .filter(([key]) => key !== ''),
);

/** Without case, marks and punctuation. A country has no longer name than this. */
function keyOf(text: string): string {
  return text
    .slice(0, 100)
    .normalize('NFKD')
    .replace(/[\p{M}\p{P}\s]+/gu, '')
    .toLowerCase();
}
