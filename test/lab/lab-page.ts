/** What a page of the lab runs: one participant, which the program that drives the browser calls. */
import { browserHost } from '@warren/browser';
import { Participant } from './participant.ts';

declare global {
  /** The page's participant. */
  var actor: Participant;
}

globalThis.actor = new Participant(() => browserHost());
