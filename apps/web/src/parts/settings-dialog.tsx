/**
 * What an administrator may change of a group.
 */
import { useSignal } from '@preact/signals';
import { ask, loadDetails } from '../site.ts';
import { type GroupDetails, type PostQuantumPolicy, siteApi } from '../site-api.ts';
import { ActionForm, useAction } from './action.tsx';
import { Dialog } from './dialog.tsx';
import { PostQuantumField } from './post-quantum-field.tsx';

/** The settings of a group. */
export function SettingsDialog({ found, onClose }: { found: GroupDetails; onClose: () => void }) {
  const policy = useSignal<PostQuantumPolicy>(found.postQuantum);
  const action = useAction(async () => {
    await ask(siteApi.setSettings(found.group, { postQuantum: policy.value }));
    await loadDetails(found.group, () => true);
    onClose();
  });
  return (
    <Dialog title={`Settings of ${found.name}`} onClose={onClose}>
      <ActionForm action={action}>
        <PostQuantumField policy={policy} />
        <p class="muted">
          Devices learn of a change when they join or renew their certificate, and follow it from their next start.
          Devices set to off and devices that require it do not meet.
        </p>
        <button type="submit" aria-busy={action.busy}>
          Save
        </button>
      </ActionForm>
    </Dialog>
  );
}
