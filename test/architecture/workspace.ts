/** Reads the workspace from the disk: every manifest and source of its packages. Not what is built, installed or stored. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const SKIPPED = new Set(['node_modules', 'dist', 'data', 'public']);

/** Texts by path from `root`, with forward slashes. */
export function readWorkspace(root: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const folder of packageFolders(root)) {
    for (const path of filesBelow(root, folder)) {
      const isPackageFile = path === `${folder}/package.json` || /\.[cm]?[jt]sx?$/.test(path);
      if (isPackageFile) files.set(path, readFileSync(join(root, path), 'utf8'));
    }
  }
  return files;
}

function packageFolders(root: string): string[] {
  const folders = ['packages', 'apps'].flatMap(parent => namesIn(join(root, parent)).map(name => `${parent}/${name}`));
  return [...folders, 'signaling'].filter(folder => existsSync(join(root, folder, 'package.json')));
}

function filesBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap(entry => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return SKIPPED.has(entry.name) ? [] : filesBelow(root, path);
    return [path];
  });
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
