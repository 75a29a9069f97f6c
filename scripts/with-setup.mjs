/**
 * node scripts/with-setup.mjs <script.ts> [arguments...]
 *
 * Installs what is missing (npm packages, and a Python with the embedded cloud's packages), then runs the script under the
 * Node.js that the project pins. Depends on nothing and runs on Node.js 20. What it says goes to standard error.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const at = (...parts) => path.join(ROOT, ...parts);
const LOCK = at('package-lock.json');
const REQUIREMENTS = at('local/aws/requirements.txt');
const STAMP = at('node_modules/.firebreak-setup.json');
const NODE = at('node_modules/node/bin/node');
const VENV_PYTHON = at('.venv/bin/python');
/** As local/aws needs. */
const OLDEST_PYTHON = [3, 11];

/** What the user can do about it is part of the message. */
class SetupError extends Error {}

const say = (message) => process.stderr.write(`firebreak: ${message}\n`);

/** Runs a command; what it writes goes to standard error. True when it succeeded. */
const run = (command, args, env = process.env) =>
  new Promise((resolve) => {
    spawn(command, args, { cwd: ROOT, env, stdio: ['ignore', process.stderr, process.stderr] })
      .once('error', () => resolve(false))
      .once('close', (code) => resolve(code === 0));
  });

/** The packages that are installed are those of the lock file, but for optional ones of other platforms. */
function packagesAreCurrent() {
  const installed = at('node_modules/.package-lock.json');
  if (!existsSync(installed) || !existsSync(NODE)) return false;
  const { packages: found } = JSON.parse(readFileSync(installed, 'utf8'));
  const { packages: wanted } = JSON.parse(readFileSync(LOCK, 'utf8'));
  return Object.entries(wanted).every(
    ([folder, { version, optional }]) =>
      folder === '' || (found[folder] ? found[folder].version === version : optional),
  );
}

async function installPackages() {
  say('installing npm packages as package-lock.json names them; the first time takes a minute or two');
  // `npm run` puts the project's own commands first, which are about to be replaced.
  const search = (process.env.PATH ?? '').split(path.delimiter).filter((folder) => folder !== at('node_modules/.bin'));
  const env = { ...process.env, PATH: search.join(path.delimiter) };
  if (!(await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], env))) {
    throw new SetupError(
      'npm ci failed, as said above. It needs npm and a way to the npm registry (npm ping shows it).',
    );
  }
  if (!existsSync(NODE)) {
    throw new SetupError(
      'npm installed no node_modules/node/bin/node: allow install scripts (npm config ignore-scripts) and try again.',
    );
  }
}

/** Pinned requirements by name, with the extra that is asked for. */
const requirements = () =>
  readFileSync(REQUIREMENTS, 'utf8')
    .split('\n')
    .map((line) => /^([\w.-]+)(?:\[(\w+)\])?==(\S+)$/.exec(line.trim()))
    .filter((match) => match !== null)
    .map(([, name, extra, version]) => ({ name, extra, version }));

/** Python that prints what is not as required, one thing a line. */
const CHECK = `
import json, re, sys
from importlib import metadata
def version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
oldest, wanted = json.loads(sys.argv[1])
if list(sys.version_info[:2]) < oldest:
    print('Python', '.'.join(map(str, sys.version_info[:3])))
for item in wanted:
    found = version(item['name'])
    if found != item['version']:
        print(item['name'], found or 'missing')
    elif item.get('extra'):
        for line in metadata.requires(item['name']) or []:
            if re.search(r"extra == ['\\"]%s['\\"]" % item['extra'], line):
                name = re.match(r'[\\w.-]+', line)[0]
                if version(name) is None:
                    print(name, 'missing')
`;

/** What a Python lacks: nothing when it is fit, undefined when there is no such Python. */
function lacks(python) {
  const { status, stdout, error } = spawnSync(python, ['-c', CHECK, JSON.stringify([OLDEST_PYTHON, requirements()])], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return error || status !== 0 ? undefined : stdout.trim().split('\n').filter(Boolean);
}

/** A Python that has all that the embedded cloud needs: one that is there, or a virtual environment of the project's own. */
async function findPython() {
  const pythons = [
    process.env.FIREBREAK_PYTHON,
    VENV_PYTHON,
    'python3',
    'python3.13',
    'python3.12',
    'python3.11',
    'python',
  ].filter(Boolean);
  const looked = pythons
    .map((python) => ({ python, missing: lacks(python) }))
    .filter(({ missing }) => missing !== undefined);
  const fit = looked.find(({ missing }) => missing.length === 0);
  if (fit) return executable(fit.python);

  const base = looked.find(
    ({ python, missing }) => python !== VENV_PYTHON && !missing.some((each) => each.startsWith('Python ')),
  );
  const oldest = OLDEST_PYTHON.join('.');
  if (!base) {
    throw new SetupError(
      `the embedded cloud needs Python ${oldest} or later, and there is none on the PATH. Install python3 and try again.`,
    );
  }
  say(
    `installing ${requirements()
      .map(({ name, version }) => `${name} ${version}`)
      .join(', ')} into .venv for the embedded cloud`,
  );
  if (!(await run(base.python, ['-m', 'venv', '--clear', at('.venv')]))) {
    throw new SetupError(
      `${base.python} could not make a virtual environment in .venv. Debian and Ubuntu have its venv module in a package of its own: apt install python3-venv.`,
    );
  }
  if (
    !(await run(VENV_PYTHON, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS]))
  ) {
    throw new SetupError(
      'pip could not install local/aws/requirements.txt, as said above. It needs a way to PyPI, or another index in PIP_INDEX_URL; or install these packages for python3 yourself.',
    );
  }
  const missing = lacks(VENV_PYTHON);
  if (missing?.length !== 0) throw new SetupError(`.venv still lacks ${missing?.join(', ') ?? 'a Python'}.`);
  return VENV_PYTHON;
}

/** Its full path, so that it stays the same whatever the PATH is later. */
function executable(python) {
  return spawnSync(python, ['-c', 'import sys; print(sys.executable)'], { encoding: 'utf8' }).stdout.trim() || python;
}

/** Answers the Python to use. Looks closely only when something changed since the last time. */
async function setUp() {
  const key = createHash('sha256').update(readFileSync(LOCK)).update(readFileSync(REQUIREMENTS)).digest('hex');
  const stamp = existsSync(STAMP) ? JSON.parse(readFileSync(STAMP, 'utf8')) : {};
  if (stamp.key === key && existsSync(stamp.python) && existsSync(NODE)) return stamp.python;
  const [python] = await Promise.all([findPython(), packagesAreCurrent() || installPackages()]);
  mkdirSync(path.dirname(STAMP), { recursive: true });
  writeFileSync(STAMP, `${JSON.stringify({ key, python })}\n`);
  return python;
}

/** Goes on under the pinned Node.js, and ends as the script ends. */
function goOn(script, args, python) {
  const child = spawn(NODE, [path.resolve(script), ...args], {
    stdio: 'inherit',
    env: { ...process.env, FIREBREAK_PYTHON: python },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.once('error', (error) => {
    say(`${NODE} does not run: ${error.message}. Remove node_modules and try again.`);
    process.exit(1);
  });
  child.once('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
}

const [script, ...args] = process.argv.slice(2);
if (!script) {
  say('usage: node scripts/with-setup.mjs <script.ts> [arguments...]');
  process.exit(2);
}
try {
  goOn(script, args, await setUp());
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  say(error.message);
  process.exit(1);
}
