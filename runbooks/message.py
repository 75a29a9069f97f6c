# https://docs.aws.amazon.com/systems-manager/latest/userguide/automation-action-approve.html
MOST_CHARACTERS = 4096


def message(lines):
    """Lines as whoever approves reads them, as many as Automation takes."""
    shown = list(lines)
    while len(text := '\n'.join(shown + rest(len(lines) - len(shown)))) > MOST_CHARACTERS and len(shown) > 1:
        shown.pop()
    return text[:MOST_CHARACTERS]


def rest(number):
    return [f'... and {number} more lines'] if number else []
