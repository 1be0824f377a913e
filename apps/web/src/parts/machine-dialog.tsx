/**
 * Adding a Linux machine: its group file to download, and the command that
 * uses it.
 */
import { useSignal } from '@preact/signals';
import { ask } from '../site.ts';
import { type DeviceFile, siteApi } from '../site-api.ts';
import { leftWords } from '../words.ts';
import { ActionForm, Copyable, useAction } from './action.tsx';
import { Dialog } from './dialog.tsx';

/** Adds a machine to `group`, displayed as `name`. */
export function MachineDialog({ group, name, onClose }: { group: string; name: string; onClose: () => void }) {
  const made = useSignal<DeviceFile | undefined>(undefined);
  return (
    <Dialog title={`Add a Linux machine to ${name}`} onClose={onClose}>
      {made.value === undefined ? (
        <MachineForm
          group={group}
          onMade={file => {
            made.value = file;
          }}
        />
      ) : (
        <MadeFile made={made.value} />
      )}
    </Dialog>
  );
}

function MachineForm({ group, onMade }: { group: string; onMade: (made: DeviceFile) => void }) {
  const device = useSignal('');
  const action = useAction(async () => {
    const made = await ask(siteApi.addDevice(group, { device: device.value, kind: 'edge' }));
    download(made);
    onMade(made);
  });
  return (
    <ActionForm action={action}>
      <label>
        Name of the machine
        <input
          name="device"
          required
          maxLength={32}
          pattern="[a-z0-9][a-z0-9._\-]{0,31}"
          title="Up to 32 of a-z, 0-9, dot, underscore and dash, beginning with a letter or digit"
          placeholder="Such as: laptop"
          autocapitalize="none"
          spellcheck={false}
          value={device}
          onInput={event => {
            device.value = event.currentTarget.value;
          }}
        />
        <small>Up to 32 of a-z, 0-9, dot, underscore and dash.</small>
      </label>
      <button type="submit" aria-busy={action.busy}>
        Download group file
      </button>
    </ActionForm>
  );
}

function MadeFile({ made }: { made: DeviceFile }) {
  const expires = typeof made.file.expires === 'string' ? new Date(made.file.expires).getTime() : undefined;
  return (
    <>
      <ol class="how">
        <li>
          Copy <code>{made.fileName}</code> from your downloads to the machine.{' '}
          <button type="button" class="link" onClick={() => download(made)}>
            Download again
          </button>
        </li>
        <li>
          On the machine, in the folder with Warren, run as root:
          <Copyable text={`npx warren up ./${made.fileName}`} what="command" />
        </li>
        <li>It shows up in the member list as soon as it is in.</li>
      </ol>
      <p class="note">
        The file is for this one machine and works once
        {expires === undefined ? '' : ` (${leftWords(expires, Date.now())})`}. Until then, treat it like a password.
      </p>
    </>
  );
}

function download({ file, fileName }: DeviceFile): void {
  const url = URL.createObjectURL(new Blob([`${JSON.stringify(file, null, 2)}\n`], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
