/** All scenarios by name, in the order of the list. */
import type { Scenario } from '../scenario.ts';
import { addressClaims } from './address-claims.ts';
import { adjacentDeath } from './adjacent-death.ts';
import { broadcast } from './broadcast.ts';
import { churn } from './churn.ts';
import { droppers } from './droppers.ts';
import { eclipse } from './eclipse.ts';
import { flood } from './flood.ts';
import { handshakeFlood } from './handshake-flood.ts';
import { handshakeLoss } from './handshake-loss.ts';
import { hops } from './hops.ts';
import { idleCost } from './idle-cost.ts';
import { massJoin } from './mass-join.ts';
import { merge } from './merge.ts';
import { natGrid } from './nat-grid.ts';
import { poison } from './poison.ts';
import { relayMotivation } from './relay-motivation.ts';

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'handshake-loss': handshakeLoss,
  'handshake-flood': handshakeFlood,
  hops,
  'relay-motivation': relayMotivation,
  broadcast,
  'mass-join': massJoin,
  'nat-grid': natGrid,
  'idle-cost': idleCost,
  churn,
  droppers,
  merge,
  'adjacent-death': adjacentDeath,
  eclipse,
  poison,
  flood,
  'address-claims': addressClaims,
};
