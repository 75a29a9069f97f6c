import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';

const RUNBOOKS = new URL('../runbooks/', import.meta.url);
const PERMISSIONS = 'permissions.yml';

/** A statement of IAM that allows; `${AWS::AccountId}` and the like in it are filled in by CloudFormation. */
export interface Statement {
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: object;
}

/** A hand-written runbook: an SSM Automation document in runbooks/, and what its role may do. */
export interface Runbook {
  /** Its file's, without the ending: `contain-ec2-instance`. */
  readonly file: string;
  /** As SSM knows it: `Firebreak-ContainEC2Instance`. */
  readonly document: string;
  /** YAML, with the scripts that it includes. */
  readonly text: string;
  readonly permissions: readonly Statement[];
}

/** Words of file names that are written in capitals in names of documents. */
const CAPITALS = new Set(['ec2', 'iam', 'rds']);

export const documentName = (file: string): string =>
  `Firebreak-${file
    .split('-')
    .map((word) => (CAPITALS.has(word) ? word.toUpperCase() : word.charAt(0).toUpperCase() + word.slice(1)))
    .join('')}`;

/** The role in member accounts that a runbook acts in. */
export const runbookRole = (file: string): string => `firebreak-runbook-${file}`;

/**
 * All hand-written runbooks, by file name.
 * @throws when one has no permissions, permissions have no runbook, or an included file is not there
 */
export function loadRunbooks(): readonly Runbook[] {
  const files = readdirSync(RUNBOOKS)
    .filter((name) => name.endsWith('.yml') && name !== PERMISSIONS)
    .map((name) => name.replace(/\.yml$/, ''))
    .sort();
  const permissions: Record<string, readonly Statement[]> = parse(read(PERMISSIONS));
  const lonely = Object.keys(permissions).filter((file) => !files.includes(file));
  if (lonely.length > 0) throw new Error(`runbooks/${PERMISSIONS}: there is no runbook ${lonely.join(', ')}`);
  return files.map((file) => {
    const own = permissions[file];
    if (!own) throw new Error(`runbooks/${PERMISSIONS} does not say what ${file} may do`);
    return { file, document: documentName(file), text: withIncluded(read(`${file}.yml`)), permissions: own };
  });
}

/**
 * A document whose lines `# include: <file>` are replaced by files of runbooks/, moved in as far as the line is. A step of
 * aws:executeScript runs for itself and shares nothing with others; so what several need is said in one file.
 */
const withIncluded = (text: string): string =>
  text.replaceAll(/^( *)# include: (\S+)\n/gm, (_, indent: string, name: string) =>
    read(name).replaceAll(/^(?=.)/gm, indent),
  );

function read(name: string): string {
  const file = new URL(name, RUNBOOKS);
  if (!existsSync(file)) throw new Error(`there is no runbooks/${name}`);
  return readFileSync(file, 'utf8');
}
