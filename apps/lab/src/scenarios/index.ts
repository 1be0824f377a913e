/** All scenarios by name, in the order of the list. */
import type { Scenario } from '../scenario.ts';
import { handshakeFlood } from './handshake-flood.ts';
import { handshakeLoss } from './handshake-loss.ts';

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'handshake-loss': handshakeLoss,
  'handshake-flood': handshakeFlood,
};
