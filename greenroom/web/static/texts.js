// The catalogue's texts for modules, as the page brought them: those of every page, and its own.

const known = {};
for (const name of ["texts", "texts-here"]) {
  const place = document.getElementById(name);
  if (place) Object.assign(known, JSON.parse(place.textContent));
}
const plurals = new Intl.PluralRules(document.documentElement.lang);

/** The text of this name, its fields filled in; of one with plurals by its field `n`. */
export function text(name, values = {}) {
  const found = known[name];
  if (found === undefined) throw new Error(`no text is called ${name}`);
  const template = typeof found === "string" ? found : found[plurals.select(values.n)];
  return template.replace(/\{(\w+)\}/g, (_, field) => String(values[field]));
}
