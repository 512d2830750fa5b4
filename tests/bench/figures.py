"""Plots of what was measured, as SVG, where gnuplot is."""
import shutil
import subprocess

from harness import DELAY, names_of_rows

STYLE = """set terminal svg size 640,{height} font 'sans-serif,12' background 'white'
set output '{path}'
set key off
set border 3
set tics nomirror out
"""


def draw(results, directory):
    if not shutil.which("gnuplot"):
        print("# there is no gnuplot, so there are no plots")
        return
    for name, function in (("cold", cold), ("warm", warm),
                           ("recipients", recipients)):
        text = function(results)
        if text:
            path = f"{directory}/bench-{name}.svg"
            height = 400 if name == "recipients" else 300
            subprocess.run(["gnuplot"], text=True, check=True, input=
                           STYLE.format(path=path, height=height) + text)
            print(f"# {path}")


def bars(title, unit, rows):
    """Lying ones, the first at the top."""
    rows = [(name, value) for name, value in rows if value]
    if not rows:
        return None
    data = "".join(f'"{name}" {value:.3f} {len(rows) - i}\n'
                   for i, (name, value) in enumerate(rows))
    return (f"$data << EOD\n{data}EOD\n"
            f"set title '{title}'\nset xlabel '{unit}'\n"
            "set style fill solid 0.7\nset xrange [0:*]\n"
            f"set yrange [0.4:{len(rows)}.6]\n"
            "plot $data using (0):3:(0):2:($3-0.35):($3+0.35):ytic(1) "
            "with boxxyerror linecolor rgb '#3465a4', \\\n"
            "  $data using 2:3:(sprintf(' %.4g', $2)) with labels left\n")


def cold(results):
    names = names_of_rows(results.of("cold", relay="postfix"))
    return bars(f"One message, {DELAY} ms from the relay (Postfix)",
                "milliseconds",
                [(name, results.median("milliseconds", "cold", relay="postfix",
                                       link="far", peer=name))
                 for name in names])


def warm(results):
    rows = results.of("warm", link="far")
    return bars(f"100 messages, {DELAY} ms from the relay (Postfix)", "seconds",
                [(name, (results.median("milliseconds", "warm", link="far",
                                        peer=name) or 0) / 1000)
                 for name in names_of_rows(rows)])


def recipients(results):
    rows = results.of("recipients")
    if not rows:
        return None
    text = "set title 'Many recipients (Exim)'\nset xlabel 'recipients'\n"
    text += "set ylabel 'CPU milliseconds'\nset key top left\n"
    text += "set xrange [0:*]\nset yrange [0:*]\n"
    plots = []
    for number, name in enumerate(names_of_rows(rows)):
        data = ""
        for size in sorted({row["size"] for row in rows}):
            spent = results.median("cpu_milliseconds", "recipients", peer=name,
                                   size=size)
            data += f"{size} {spent or 'NaN'}\n"
        text += f"$data{number} << EOD\n{data}EOD\n"
        plots.append(f"$data{number} with linespoints title '{name}'")
    return text + "plot " + ", ".join(plots) + "\n"
