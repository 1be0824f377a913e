/** Lines of a table for a terminal: columns as wide as their widest cell, two blanks between. */
export function columns(rows: readonly (readonly string[])[], numbers: ReadonlySet<number> = new Set()): string[] {
  const count = Math.max(0, ...rows.map(row => row.length));
  const widths = Array.from({ length: count }, (_, i) => Math.max(...rows.map(row => row[i]?.length ?? 0)));
  const pad = (cell: string, i: number) =>
    numbers.has(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0);
  return rows.map(row => row.map(pad).join('  ').trimEnd());
}
