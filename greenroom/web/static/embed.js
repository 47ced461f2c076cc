// A frame gets no cookies, so the server does not know the viewer's zone: the card says its time again, in that zone.

const language = document.documentElement.lang;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const day = { weekday: "long", day: "numeric", month: "long", year: "numeric" };
const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

function part(at, name, options) {
  const parts = new Intl.DateTimeFormat(language, { ...options, timeZone: zone }).formatToParts(at);
  return parts.find((one) => one.type === name)?.value ?? "";
}

/** As the server says it: weekday, day, month, year. */
function toldDay(at) {
  const [weekday, number, month, year] = ["weekday", "day", "month", "year"].map((name) => part(at, name, day));
  return `${weekday}, ${number} ${month} ${year}`;
}

const filled = (template, values) => template.replace(/\{(\w+)\}/g, (_, field) => values[field]);

for (const element of document.querySelectorAll("time[data-told]")) {
  const at = new Date(element.dateTime);
  const name = part(at, "timeZoneName", { timeZoneName: "long" });
  element.textContent = filled(element.dataset.told, {
    day: toldDay(at),
    time: new Intl.DateTimeFormat(language, { ...time, timeZone: zone }).format(at),
    zone: zone === "UTC" ? zone : filled(element.dataset.zone, { name, zone }),
  });
}
