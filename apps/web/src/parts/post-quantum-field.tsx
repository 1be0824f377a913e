/**
 * The choice of what a group asks of the keys of its sessions.
 */
import type { Signal } from '@preact/signals';
import type { PostQuantumPolicy } from '../site-api.ts';

/** A select of the three policies. */
export function PostQuantumField({ policy }: { policy: Signal<PostQuantumPolicy> }) {
  return (
    <label>
      Post-quantum keys
      <select
        name="postQuantum"
        value={policy}
        onChange={event => {
          policy.value = event.currentTarget.value as PostQuantumPolicy;
        }}
      >
        <option value="on">On: for what goes through other members</option>
        <option value="required">Required: for everything, before any data</option>
        <option value="off">Off</option>
      </select>
      <small>Keep what is recorded today closed to the quantum computers of tomorrow.</small>
    </label>
  );
}
