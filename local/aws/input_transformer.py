"""What a rule's target is sent: the event, a part of it, a constant, or a text made from it.

moto ignores Input and InputPath, and puts a string into an unquoted place of a template without the quotes that AWS
adds.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-targets.html#targets-specifics-input
"""

import json
import re

PLACEHOLDER = re.compile(r'"(?:\\.|[^"\\])*"|<[^<>"\s]+>')
MISSING = object()


def target_input(target: dict, envelope: dict, rule) -> str:
    """The text that `target` receives for the event `envelope` matched by `rule` (its `name` and `arn` are used)."""
    if target.get('Input') is not None:
        return target['Input']
    if target.get('InputPath'):
        value = json_path(target['InputPath'], envelope)
        return json.dumps({} if value is MISSING else value)
    if target.get('InputTransformer'):
        return _transform(target['InputTransformer'], envelope, rule)
    return json.dumps(envelope)


def json_path(path: str, document):
    """The value at `path`, such as `$.detail.findings[0].Id`, or MISSING."""
    value = document
    for name, index in re.findall(r'\.([^.\[\]]+)|\[(\d+)\]', path):
        try:
            value = value[name] if name else value[int(index)]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return value


def _transform(transformer: dict, envelope: dict, rule) -> str:
    values = {
        'aws.events.rule-arn': rule.arn,
        'aws.events.rule-name': rule.name,
        'aws.events.event.ingestion-time': envelope['time'],
        'aws.events.event': {name: value for name, value in envelope.items() if name != 'detail'},
        'aws.events.event.json': envelope,
        **{name: json_path(path, envelope) for name, path in transformer.get('InputPathsMap', {}).items()},
    }

    def inside_quotes(match: re.Match) -> str:
        value = values.get(match[1], MISSING)
        text = '' if value is MISSING else value if isinstance(value, str) else json.dumps(value)
        return json.dumps(text)[1:-1]

    def replace(match: re.Match) -> str:
        if match[0].startswith('"'):
            return re.sub(
                r'<([^<>"\s]+)>', lambda inner: inside_quotes(inner) if inner[1] in values else inner[0], match[0]
            )
        value = values.get(match[0][1:-1], MISSING)
        return '""' if value is MISSING else json.dumps(value)

    return PLACEHOLDER.sub(replace, transformer['InputTemplate'])
