// Reads {"key", "secret", "token"} from standard input, and answers what LiveKit's own package for Node makes of the token.
import { text } from 'node:stream/consumers';
import { TokenVerifier } from 'livekit-server-sdk';

const { key, secret, token } = JSON.parse(await text(process.stdin));
try {
  const claims = await new TokenVerifier(key, secret).verify(token);
  console.log(JSON.stringify({ claims }));
} catch (error) {
  console.log(JSON.stringify({ refused: error.code ?? error.name }));
}
