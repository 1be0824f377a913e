/**
 * Dates of certificates as calendar arithmetic (proleptic Gregorian, UTC, no
 * leap seconds). Pure packages have no `Date`, which is mostly a clock.
 */

const DAY_S = 86_400;

/** A date and time of day; `month` 1 to 12, `day` 1 to 31. */
export interface CivilTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** Unix milliseconds of a date; `undefined` for one that does not exist, as 31 February or hour 24. */
export function unixMsOf({ year, month, day, hour, minute, second }: CivilTime): number | undefined {
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  let days = daysBeforeYear(year) + day - 1;
  for (let m = 1; m < month; m++) days += daysInMonth(year, m);
  return (days * DAY_S + hour * 3600 + minute * 60 + second) * 1000;
}

/** The date of Unix milliseconds, fractions of a second cut off. */
export function civilTimeOf(unixMs: number): CivilTime {
  const seconds = Math.floor(unixMs / 1000);
  let days = Math.floor(seconds / DAY_S);
  let year = 1970 + Math.floor(days / 366);
  while (daysBeforeYear(year + 1) <= days) year++;
  while (daysBeforeYear(year) > days) year--;
  days -= daysBeforeYear(year);
  let month = 1;
  while (days >= daysInMonth(year, month)) days -= daysInMonth(year, month++);
  const rest = seconds - Math.floor(seconds / DAY_S) * DAY_S;
  const hour = Math.floor(rest / 3600);
  return { year, month, day: days + 1, hour, minute: Math.floor(rest / 60) % 60, second: rest % 60 };
}

/** Days from 1970-01-01 to the first of January of `year`. */
function daysBeforeYear(year: number): number {
  const leapDays = (y: number) => Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return (year - 1970) * 365 + leapDays(year - 1) - leapDays(1969);
}

function daysInMonth(year: number, month: number): number {
  if (month !== 2) return [4, 6, 9, 11].includes(month) ? 30 : 31;
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
}
