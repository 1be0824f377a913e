/**
 * Whether this tab is in front and well fed, and when it was stopped. A hidden
 * tab, or one on a battery that runs low, should be chosen last for duties. A
 * tab that the browser froze, or whose computer slept, was gone for others.
 */
import { signal } from '@preact/signals';

/** A time in which nothing of the page ran, Unix ms. */
export interface Lapse {
  readonly from: number;
  readonly to: number;
}

/** The last lapse that others will have noticed; `undefined` when there was none, or the person has read of it. */
export const lapse = signal<Lapse | undefined>(undefined);

/** Others take a link for lost after 3 to 8 s. */
const NOTICED_MS = 8_000;
const BEAT_MS = 1_000;
/** Browsers let hidden pages run once a minute at least, until they freeze them. */
const HIDDEN_GAP_MS = 90_000;
/** From here on downwards a battery is left alone. */
const LOW_BATTERY = 0.2;

/** The Battery Status API (W3C draft), which is in Chromium only. */
interface Battery extends EventTarget {
  readonly charging: boolean;
  /** 0 to 1. */
  readonly level: number;
}

/** Calls `tell` at once and at each change with whether the tab rests, and keeps `lapse`. */
export function followAttention(tell: (isResting: boolean) => void): void {
  let battery: Battery | undefined;
  let told: boolean | undefined;
  const look = (): void => {
    const isResting = document.hidden || isLow(battery);
    if (isResting !== told) tell(isResting);
    told = isResting;
  };
  document.addEventListener('visibilitychange', look);
  look();
  void batteryOfDevice().then(found => {
    battery = found;
    for (const event of ['chargingchange', 'levelchange']) found?.addEventListener(event, look);
    look();
  });
  followLapses();
}

/** Whether a battery is nearly empty and not being charged. */
export function isLow(battery: Pick<Battery, 'charging' | 'level'> | undefined): boolean {
  return battery !== undefined && !battery.charging && battery.level <= LOW_BATTERY;
}

/** The lapse between two signs of life of the page, if it was one that others noticed. */
export function lapseBetween(from: number, to: number, isHidden: boolean): Lapse | undefined {
  return to - from >= (isHidden ? HIDDEN_GAP_MS : NOTICED_MS) ? { from, to } : undefined;
}

function followLapses(): void {
  let lastBeat = Date.now();
  let wasHidden = document.hidden;
  const beat = (): void => {
    const now = Date.now();
    const found = lapseBetween(lastBeat, now, wasHidden);
    if (found !== undefined) lapse.value = found;
    [lastBeat, wasHidden] = [now, document.hidden];
  };
  // Who is frozen hears so in time, and then each gap counts, however hidden.
  document.addEventListener('freeze', () => {
    beat();
    wasHidden = false;
  });
  document.addEventListener('resume', beat);
  document.addEventListener('visibilitychange', beat);
  setInterval(beat, BEAT_MS);
}

async function batteryOfDevice(): Promise<Battery | undefined> {
  const device = navigator as Navigator & { getBattery?: () => Promise<Battery> };
  try {
    return await device.getBattery?.();
  } catch {
    // Forbidden by a policy of the page that embeds us.
    return undefined;
  }
}
