/**
 * The time as screens need it: coarse, and only while somebody looks.
 */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';

/** Unix ms, renewed every `everyMs`. */
export function useNow(everyMs: number): number {
  const now = useSignal(Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      now.value = Date.now();
    }, everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now.value;
}
