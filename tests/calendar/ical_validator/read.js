// For each line {"octets": base64} on standard input, a line that says what ical.js, in its strict mode, makes of the object.
import { createInterface } from 'node:readline';
import ICAL from 'ical.js';

const properties = (component) =>
  component.getAllProperties().map((property) => ({
    name: property.name,
    type: property.type,
    parameters: property.jCal[1],
    values: property.getValues().map(String),
  }));

const read = (octets) => {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
  const calendar = new ICAL.Component(ICAL.parse(text));
  const events = calendar.getAllSubcomponents().map((component) => {
    const event = new ICAL.Event(component, { strictExceptions: true });
    return {
      component: component.name,
      properties: properties(component),
      starts_at: event.startDate.toString(),
      ends_at: event.endDate.toString(),
      zones: [event.startDate.zone.tzid, event.endDate.zone.tzid],
      seconds: event.duration.toSeconds(),
      sequence: event.sequence,
      uid: event.uid,
      title: event.summary,
      description: event.description,
      attendees: event.attendees.map((attendee) => attendee.getFirstValue()),
    };
  });
  return { component: calendar.name, properties: properties(calendar), events };
};

for await (const line of createInterface({ input: process.stdin })) {
  let said;
  try {
    if (!ICAL.design.strict) throw new Error('ical.js is not in its strict mode');
    said = { read: read(Buffer.from(JSON.parse(line).octets, 'base64')) };
  } catch (error) {
    said = { refused: `${error.name}: ${error.message}` };
  }
  console.log(JSON.stringify(said));
}
