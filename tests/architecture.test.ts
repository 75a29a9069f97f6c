import { existsSync, globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { loadWorkers, workerNames } from '../scripts/workers.ts';

const sources = globSync('{engine,functions,simulations,local,scripts,cli,tests}/**/*.ts');

/** Folders that the files of a folder may import from, beside their own. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  engine: [],
  functions: ['engine'],
  simulations: ['engine', 'functions', 'events'],
  local: ['engine', 'functions', 'simulations', 'scripts'],
  scripts: ['engine', 'functions', 'simulations', 'local', 'cli'],
  cli: ['engine', 'functions', 'simulations', 'scripts'],
};

/** The simulator is the one function that imports simulations, and no simulation imports it. */
const mayImport = (folder: string, worker: string): readonly string[] => [
  ...(MAY_IMPORT[folder] ?? []),
  ...(folder === 'functions' && worker === 'simulate' ? ['simulations'] : []),
];

const isTest = (file: string): boolean => file.endsWith('.test.ts');

function imports(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, path = '']) =>
    new URL(path, `file:///${file}`).pathname.slice(1),
  );
}

describe('the house', () => {
  test('is there to be looked at', () => {
    expect(sources.length).toBeGreaterThan(30);
  });

  test.each(sources.filter((file) => !isTest(file) && !file.startsWith('tests/')))('%s imports one way', (file) => {
    const [folder = '', worker = ''] = file.split('/');
    for (const imported of imports(file)) {
      const [from = '', fromWorker] = imported.split('/');
      expect([folder, ...mayImport(folder, worker)]).toContain(from);
      if (folder === 'functions')
        expect(from === 'engine' || from === 'simulations' || fromWorker === worker).toBe(true);
      if (folder === 'simulations') expect(imported).not.toMatch(/^functions\/simulate\//);
    }
  });

  test('has no room called by a word that says nothing', () => {
    expect(sources.filter((file) => /(utils?|helpers?|common|manager)/i.test(file))).toEqual([]);
  });
});

describe('the catalogue', () => {
  test.each(workerNames())('the %s worker lists every remediation of its folder, in order', async (name) => {
    const worker = (await loadWorkers()).find((known) => known.name === name);
    const ids = worker?.remediations.map(({ id }) => id) ?? [];
    const files = globSync(`functions/${name}/*.ts`).filter(
      (file) => !isTest(file) && /export default define(?:Remediation|Action)\(/.test(readFileSync(file, 'utf8')),
    );
    expect(ids).toEqual(files.map((file) => file.slice('functions/'.length, -'.ts'.length).replace('/', '.')).sort());
    for (const id of ids) {
      const test = `functions/${id.replace('.', '/')}.test.ts`;
      expect(existsSync(test)).toBe(true);
      expect(readFileSync(test, 'utf8')).toMatch(/^ *contract\(/m);
    }
  });
});
