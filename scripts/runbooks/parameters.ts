import { written } from '../written.ts';
import { type Fault, type Fields, listOf, type RunbookDocument } from './document.ts';

const IS_OF_TYPE: Readonly<Record<string, (value: unknown) => boolean>> = {
  String: (value) => typeof value === 'string',
  Boolean: (value) => typeof value === 'boolean',
  Integer: (value) => Number.isInteger(value),
  StringList: (value) => Array.isArray(value) && value.every((each) => typeof each === 'string'),
  MapList: (value) => Array.isArray(value) && value.every(isMap),
  StringMap: (value) => isMap(value),
};
const isMap = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Parameters and variables whose parts do not fit together.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-syntax-data-elements-parameters.html
 */
export const parameterFaults = ({ parameters, variables }: RunbookDocument): Fault[] =>
  [...Object.entries(parameters), ...Object.entries(variables)].flatMap(([name, value]) =>
    isMap(value) ? declarationFaults(name, value as Fields) : [],
  );

function declarationFaults(name: string, { type, default: given, allowedValues, allowedPattern }: Fields): Fault[] {
  const faults: Fault[] = [];
  const where = `parameter ${name}`;
  if (!/^\w+$/.test(name)) faults.push({ where, wrong: 'its name has more than letters and digits', write: 'a name' });
  const fits =
    IS_OF_TYPE[
      written(type)
        .replace(/^List<.*>$/, 'StringList')
        .replace(/^AWS::.*$/, 'String')
    ];
  if (given !== undefined && fits && !fits(given)) {
    faults.push({
      where,
      wrong: `its default is no ${written(type)}`,
      write: `a ${written(type)}${type === 'String' ? ', in quotes' : ''}`,
    });
  }
  const values = [given].flat().filter((each) => each !== undefined);
  if (Array.isArray(allowedValues)) {
    for (const each of values.filter((value) => !listOf(allowedValues).includes(value))) {
      faults.push({
        where,
        wrong: `its default ${written(each)} is not allowed`,
        write: `one of ${allowedValues.map(written).join(', ')}`,
      });
    }
  }
  if (typeof allowedPattern === 'string') {
    const pattern = compiled(allowedPattern);
    if (!pattern) faults.push({ where, wrong: `${allowedPattern} is no pattern`, write: 'a regular expression' });
    for (const each of values.filter((value) => typeof value === 'string' && pattern?.test(value) === false)) {
      faults.push({ where, wrong: `its default '${each}' does not match ${allowedPattern}`, write: 'one that does' });
    }
  }
  return faults;
}

function compiled(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
