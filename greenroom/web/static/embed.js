// A frame gets no cookies, so the server does not know the viewer's zone: the card says the time again, in that zone.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const day = { weekday: "long", day: "numeric", month: "long", year: "numeric" };
const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };

for (const element of document.querySelectorAll("time")) {
  const at = new Date(element.dateTime);
  const told = new Intl.DateTimeFormat(document.documentElement.lang, { ...day, ...time, timeZone: zone }).format(at);
  element.textContent = `${told} (${zone})`;
}
