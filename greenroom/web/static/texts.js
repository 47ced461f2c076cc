// The catalogue's texts for modules, as the page brought them.

const known = JSON.parse(document.getElementById("texts").textContent);
const plurals = new Intl.PluralRules(document.documentElement.lang);

/** The text of this name, its fields filled in; of one with plurals by its field `n`. */
export function text(name, values = {}) {
  const found = known[name];
  if (found === undefined) throw new Error(`no text is called ${name}`);
  const template = typeof found === "string" ? found : found[plurals.select(values.n)];
  return template.replace(/\{(\w+)\}/g, (_, field) => String(values[field]));
}
