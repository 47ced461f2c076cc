// Reads {"secret", "body", "headers"} from standard input, and answers what the npm library of Standard Webhooks makes of it.
import { text } from 'node:stream/consumers';
import { Webhook } from 'standardwebhooks';

const { secret, body, headers } = JSON.parse(await text(process.stdin));
try {
  console.log(JSON.stringify({ message: new Webhook(secret).verify(body, headers) }));
} catch (error) {
  console.log(JSON.stringify({ refused: error.message }));
}
