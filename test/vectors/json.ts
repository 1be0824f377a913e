/** Reads what strangers' JSON should hold. Vectors are hostile enough to be of any shape. */
import { fromHex } from '@warren/base';
import { FormatError } from './report.ts';

export type Json = Readonly<Record<string, unknown>>;

/** The object that `value` is; an empty one if it is none. */
export function object(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

/** The objects of a list; `undefined` where there is no list. */
export function objects(value: unknown): Json[] | undefined {
  return Array.isArray(value) ? value.map(object) : undefined;
}

/** The text of a field; empty where there is none. */
export function text(from: Json, field: string): string {
  const value = from[field];
  return typeof value === 'string' ? value : '';
}

export function number(from: Json, field: string): number {
  const value = from[field];
  return typeof value === 'number' ? value : Number.NaN;
}

/** The bytes of a hexadecimal field. Throws where it holds anything else. */
export function bytes(from: Json, field: string): Uint8Array {
  const found = optionalBytes(from, field);
  if (found === undefined) throw new FormatError(`the field ${field} is missing`);
  return found;
}

/** As `bytes`; `undefined` for an absent or null field. */
export function optionalBytes(from: Json, field: string): Uint8Array | undefined {
  const value = from[field];
  return value === undefined || value === null ? undefined : hex(value, field);
}

/** The bytes of hexadecimal text. Throws at anything else; `what` names it. */
export function hex(value: unknown, what: string): Uint8Array {
  const found = typeof value === 'string' ? fromHex(value) : undefined;
  if (found === undefined) throw new FormatError(`${what} is not hexadecimal`);
  return found;
}
