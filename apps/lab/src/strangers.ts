/** Participants of the public network, whose key everybody knows: what attackers can write a first message for. */
import type { Random } from '@warren/base';
import { EPOCH_UNIX_MS, SeededRandom, type SimCrypto, simCredentials, simStranger } from '@warren/sim';
import { Authority, type Credentials } from '@warren/trust';

/** What a participant runs with. */
export interface Stranger {
  readonly name: string;
  readonly authority: Authority;
  readonly credentials: Credentials;
  readonly random: Random;
}

/** Makes one, who follows from seed and name. `verifier` may be shared: its cache is. */
export function stranger(seed: number, name: string, crypto: SimCrypto, verifier = crypto.verifier()): Stranger {
  const random = new SeededRandom(seed, name);
  const identity = simStranger(random, EPOCH_UNIX_MS, crypto);
  const credentials = simCredentials(identity, random, EPOCH_UNIX_MS);
  return { name, authority: Authority.public({ verifier }), credentials, random };
}
