/**
 * What a person does in the page, found as a person finds it: by labels and
 * words, never by classes or ids.
 */
import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright';

const PASSWORD = 'a few random words';
/** How long the mesh may take for anything. */
const MESH_PATIENCE_MS = 40_000;

/** Opens the first administrator's link and makes the account. */
export async function makeFirstAccount(page: Page, setupLink: string, name: string): Promise<void> {
  await page.goto(setupLink);
  await fillAccount(page, name);
  await page.getByRole('button', { name: 'Make account' }).click();
  await page.getByRole('heading', { name: 'Your groups' }).waitFor();
}

/** Makes a group and stays on its page. Answers its id. */
export async function createGroup(page: Page, name: string): Promise<string> {
  await page.getByRole('button', { name: 'Create a group' }).click();
  await page.getByLabel('Name of the group').fill(name);
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.getByRole('heading', { name, level: 1 }).waitFor();
  return /group\/([a-z2-7]{26})/.exec(page.url())?.[1] ?? '';
}

/** Presses "Join in this tab" and waits until the tab is in. */
export async function joinInTab(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Join in this tab' }).click();
  await untilIn(page);
}

/** Waits until the tab is in the mesh, with an address. */
export async function untilIn(page: Page): Promise<void> {
  await page.getByText('This tab is in the mesh as').waitFor({ timeout: MESH_PATIENCE_MS });
}

/** On a group's page in a browser that was in it before: signs in and presses "Join in this tab" as far as that is needed. */
export async function comeBack(page: Page, name: string): Promise<void> {
  const signIn = page.getByRole('heading', { name: 'Sign in' });
  const join = page.getByRole('button', { name: 'Join in this tab' });
  const isIn = page.getByText('This tab is in the mesh as');
  for (;;) {
    await signIn.or(join).or(isIn).first().waitFor({ timeout: MESH_PATIENCE_MS });
    if (await isIn.isVisible()) return;
    if (await signIn.isVisible()) {
      await page.getByLabel('Sign-in name').fill(name.toLowerCase());
      await page.getByLabel('Password').fill(PASSWORD);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await signIn.waitFor({ state: 'hidden' });
      // It vanishes by itself when the tab remembers that it was in the group.
    } else await join.click({ timeout: 1_000 }).catch(() => {});
  }
}

/** Makes an invite link; the dialog is closed again. */
export async function makeInvite(page: Page, o: { uses?: number; letIn?: boolean } = {}): Promise<string> {
  await page.getByRole('button', { name: 'Invite', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('How many people').fill(String(o.uses ?? 1));
  if (o.letIn === true) await dialog.getByLabel('Let people in without asking').check();
  await dialog.getByRole('button', { name: 'Make invite link' }).click();
  const link = await dialog.getByText(/^https?:\/\/.*#invite=/).innerText();
  await dialog.getByRole('button', { name: 'Close' }).click();
  return link;
}

/** Asks for the group file of a Linux machine; gives its text. The dialog is closed again. */
export async function downloadGroupFile(page: Page, device: string): Promise<string> {
  await page.getByRole('button', { name: 'Add a Linux machine' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.locator('input[name="device"]').fill(device);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    dialog.getByRole('button', { name: 'Download group file' }).click(),
  ]);
  const text = await readFile(await download.path(), 'utf8');
  await dialog.getByRole('button', { name: 'Close' }).first().click();
  return text;
}

/** Opens an invite link in a browser without an account, makes one and presses "Join". The tab then joins by itself. */
export async function acceptInvite(page: Page, link: string, name: string, reason?: string): Promise<void> {
  await page.goto(link);
  await fillAccount(page, name);
  if (reason !== undefined) await page.getByLabel('A line to the administrators').fill(reason);
  await page.getByRole('button', { name: /^Join / }).click();
}

/** Approves somebody under Requests, and goes back to the mesh. */
export async function approve(page: Page, name: string): Promise<void> {
  await page.getByRole('link', { name: /^Requests/ }).click();
  await page.getByRole('button', { name: `Approve ${name}` }).click({ timeout: MESH_PATIENCE_MS });
  await page.getByRole('link', { name: 'Mesh', exact: true }).click();
}

/** The row of a member, by `device.user`. */
export function memberRow(page: Page, member: string) {
  return page.getByRole('listitem').filter({ has: page.getByText(member, { exact: true }) });
}

/** Sends a line of text to a member, by `device.user`. */
export async function say(page: Page, member: string, text: string): Promise<void> {
  await page.getByLabel('To whom').selectOption({ label: member });
  await page.getByRole('textbox', { name: 'Message' }).fill(text);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
}

async function fillAccount(page: Page, name: string): Promise<void> {
  await page.getByLabel('Your name').fill(name);
  await page.getByLabel('Password').fill(PASSWORD);
}
