/**
 * A modal dialog: the browser's own, so that Escape, focus and screen readers
 * work as everywhere.
 */
import { useEffect, useRef } from 'preact/hooks';

/** Open as long as it is in the page; `onClose` takes it out. */
export function Dialog(props: { title: string; onClose: () => void; children: preact.ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} onClose={props.onClose} aria-label={props.title}>
      <article>
        <header>
          <button type="button" class="close" aria-label="Close" onClick={() => dialog.current?.close()} />
          <h2>{props.title}</h2>
        </header>
        {props.children}
      </article>
    </dialog>
  );
}
