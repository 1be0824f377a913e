/**
 * A QR code as one SVG path, dark on white in every theme, since many readers
 * fail on inverted codes.
 */
import { encodeQR } from 'qr';

/** Draws `text`; `what` says what it leads to. */
export function QrCode({ text, what }: { text: string; what: string }) {
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border: 3 });
  const size = rows.length;
  const path = rows.flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : ''))).join('');
  return (
    <svg
      class="qr"
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={`QR code: ${what}`}
      shape-rendering="crispEdges"
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}
