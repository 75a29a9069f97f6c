import { parseArgs } from 'node:util';
import { Bench } from './bench/bench.ts';
import { custodian } from './bench/custodian.ts'; import {bytes} from './bench/bytes.ts'; import {load} from './bench/load.ts'; import {hang} from './bench/hang.ts';

const { values } = parseArgs({ options: { only: { type: 'string' } } });
const bench = new Bench((s) => console.error(((performance.now()) / 1000).toFixed(1), s));
try { for (const m of [bytes,hang,custodian,load]) console.log(JSON.stringify(await m.measure(bench), null, 1)); } finally { await bench.end(); }
void values;
