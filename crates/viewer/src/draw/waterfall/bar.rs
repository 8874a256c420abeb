//! One row of the time axis: a bar with eighths of a cell at its edges, marks for events, and
//! the ruler above all rows.

use crate::draw::pen::Pen;
use crate::text;

/// What a cell belongs to decides its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    Empty,
    Tick,
    Bar,
    /// The character is cut out of a bar: drawn with the colours exchanged.
    Cut,
    /// An event on the bar, or beside it.
    Mark {
        on_bar: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) character: char,
    pub(super) ink: Ink,
}

/// The axis all bars of a waterfall share.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub(super) start: u64,
    pub(super) length: u64,
    pub(super) cells: usize,
    pub(super) unicode: bool,
    /// Whether colours can be exchanged, which gives left edges in eighths too.
    pub(super) exact_edges: bool,
}

impl Pen {
    /// A bar in a service's ink.
    pub(super) fn bar(self, cells: &[Cell], colour: &str) -> String {
        let mut bar = String::new();
        let mut rest = cells;
        while let Some(first) = rest.first() {
            let run = rest.iter().take_while(|cell| cell.ink == first.ink).count();
            let (cells, others) = rest.split_at(run);
            rest = others;
            let characters: String = cells.iter().map(|cell| cell.character).collect();
            let ink = match first.ink {
                Ink::Empty => String::new(),
                Ink::Tick => "38;5;238".to_owned(),
                Ink::Bar => colour.to_owned(),
                Ink::Cut => format!("7;{colour}"),
                Ink::Mark { on_bar: true } => {
                    format!("1;38;5;231;4{}", colour.get(1..).unwrap_or(""))
                }
                Ink::Mark { on_bar: false } => format!("1;{colour}"),
            };
            self.paint(&mut bar, &ink, &characters);
        }
        bar
    }
}

const LEFT_BLOCKS: [char; 9] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

impl Axis {
    /// Draws a bar from `start` to `end`, in Unix nanoseconds; without `end` it runs out faintly.
    pub(super) fn bar(&self, start: u64, end: Option<u64>, events: &[u64]) -> Vec<Cell> {
        let total = self.cells * 8;
        let from = self.position(start).min(total.saturating_sub(1));
        let to = end
            .map_or(total, |end| self.position(end))
            .clamp(from + 1, total.max(from + 1));
        let ticks = self.ticks();
        let mut cells: Vec<Cell> = (0..self.cells)
            .map(|cell| {
                let low = from.clamp(cell * 8, cell * 8 + 8) - cell * 8;
                let high = to.clamp(cell * 8, cell * 8 + 8) - cell * 8;
                if low >= high {
                    self.empty(ticks.iter().any(|(column, _)| *column == cell))
                } else if end.is_none() {
                    Cell {
                        character: if self.unicode { '░' } else { '~' },
                        ink: Ink::Bar,
                    }
                } else if self.unicode {
                    self.block(low, high)
                } else {
                    Cell {
                        character: coarse(low, high, to - from),
                        ink: Ink::Bar,
                    }
                }
            })
            .collect();
        for event in events {
            let last = self.cells.saturating_sub(1);
            if let Some(cell) = cells.get_mut((self.position(*event) / 8).min(last)) {
                let on_bar = matches!(cell.ink, Ink::Bar | Ink::Mark { on_bar: true });
                cell.character = if self.unicode { '◆' } else { '*' };
                cell.ink = Ink::Mark { on_bar };
            }
        }
        cells
    }

    /// A row without a bar.
    pub(super) fn blank(&self) -> Vec<Cell> {
        vec![self.empty(false); self.cells]
    }

    /// Columns and labels of the ruler: round times, as many as fit comfortably.
    pub(super) fn ticks(&self) -> Vec<(usize, String)> {
        let step = self.step();
        let mut ticks = Vec::new();
        let mut time = 0_u64;
        while time <= self.length && ticks.len() <= self.cells {
            let column = self.position(self.start.saturating_add(time)) / 8;
            if column >= self.cells {
                break;
            }
            let label = if time == 0 {
                "0".to_owned()
            } else {
                round_duration(time)
            };
            ticks.push((column, label));
            time = time.saturating_add(step);
        }
        ticks
    }

    pub(super) fn ruler(&self) -> String {
        let mut ruler = String::new();
        for (column, label) in self.ticks() {
            let label = if self.unicode {
                label
            } else {
                label.replace('µ', "u")
            };
            let used = text::width(&ruler);
            if column < used || column + text::width(&label) > self.cells {
                continue;
            }
            ruler.extend(std::iter::repeat_n(' ', column - used));
            ruler.push_str(&label);
        }
        ruler
    }

    /// The smallest of 1, 2, 5 times a power of ten that leaves a label room to breathe.
    fn step(&self) -> u64 {
        let most = (self.cells / 11).max(1) as u64;
        let mut power = 1_u64;
        loop {
            for factor in [1, 2, 5] {
                let step = power.saturating_mul(factor);
                if self.length / step <= most {
                    return step;
                }
            }
            power = power.saturating_mul(10);
        }
    }

    /// A time as eighths of a cell from the left, within the axis.
    fn position(&self, time: u64) -> usize {
        let total = self.cells * 8;
        let elapsed = time.saturating_sub(self.start).min(self.length);
        let eighths = u128::from(elapsed) * total as u128 / u128::from(self.length.max(1));
        usize::try_from(eighths).unwrap_or(total)
    }

    fn empty(&self, is_tick: bool) -> Cell {
        if is_tick {
            Cell {
                character: if self.unicode { '┊' } else { ':' },
                ink: Ink::Tick,
            }
        } else {
            Cell {
                character: ' ',
                ink: Ink::Empty,
            }
        }
    }

    /// The cell covered from `low` to `high` eighths. Unicode has only blocks that begin at the
    /// left, so one that ends at the right is its counterpart cut out of a full cell, and where
    /// that cannot be shown, or neither edge is the cell's, the nearest of a few shapes.
    fn block(&self, low: usize, high: usize) -> Cell {
        let character = match (low, high) {
            (0, _) => LEFT_BLOCKS.get(high).copied().unwrap_or('█'),
            (_, 8) if self.exact_edges => {
                let character = LEFT_BLOCKS.get(low).copied().unwrap_or(' ');
                return Cell {
                    character,
                    ink: Ink::Cut,
                };
            }
            (1..3, 8) => '█',
            (3..6, 8) => '▐',
            (_, 8) => '▕',
            _ if high - low >= 4 => '▌',
            _ if low < 3 => LEFT_BLOCKS.get(high - low).copied().unwrap_or('▏'),
            _ if high >= 7 => '▕',
            _ => '│',
        };
        Cell {
            character,
            ink: Ink::Bar,
        }
    }
}

fn coarse(low: usize, high: usize, bar: usize) -> char {
    match high - low {
        5.. => '#',
        _ if bar < 8 => '|',
        _ => '-',
    }
}

/// A time on the ruler, which is a round number of some unit.
fn round_duration(nanos: u64) -> String {
    const UNITS: [(u64, &str); 4] = [
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "µs"),
        (1, "ns"),
    ];
    for (unit, name) in UNITS {
        if nanos >= unit {
            let fraction = format!("{:09}", nanos % unit * (1_000_000_000 / unit));
            let fraction = fraction.trim_end_matches('0');
            let point = if fraction.is_empty() { "" } else { "." };
            return format!("{}{point}{fraction} {name}", text::count(nanos / unit));
        }
    }
    "0".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(cells: usize, length: u64) -> Axis {
        Axis {
            start: 1_000,
            length,
            cells,
            unicode: true,
            exact_edges: true,
        }
    }

    fn drawn(cells: &[Cell]) -> String {
        cells.iter().map(|cell| cell.character).collect()
    }

    #[test]
    fn a_bar_ends_in_eighths_of_a_cell() {
        let axis = axis(4, 32);
        assert_eq!(drawn(&axis.bar(1_000, Some(1_032), &[])), "████");
        assert_eq!(drawn(&axis.bar(1_000, Some(1_019), &[])), "██▍ ");
        let cells = axis.bar(1_011, Some(1_032), &[]);
        assert_eq!(drawn(&cells), "┊▍██");
        assert_eq!(
            cells.iter().map(|cell| cell.ink).collect::<Vec<_>>(),
            [Ink::Tick, Ink::Cut, Ink::Bar, Ink::Bar]
        );
    }

    #[test]
    fn the_shortest_bar_is_still_seen() {
        let axis = axis(4, 32);
        assert_eq!(drawn(&axis.bar(1_032, Some(1_032), &[])), "┊ ┊▉");
        assert_eq!(drawn(&axis.bar(1_000, Some(1_000), &[])), "▏ ┊ ");
        assert_eq!(drawn(&axis.bar(0, Some(u64::MAX), &[])), "████");
    }

    #[test]
    fn a_bar_without_an_end_runs_out_faintly_and_events_are_marks() {
        let axis = axis(4, 32);
        assert_eq!(drawn(&axis.bar(1_008, None, &[])), "┊░░░");
        assert_eq!(
            drawn(&axis.bar(1_008, Some(1_024), &[1_010, 1_030, u64::MAX])),
            "┊◆█◆"
        );
    }

    #[test]
    fn the_ruler_has_round_times() {
        let ruler = axis(60, 48_200_000).ruler();
        assert_eq!(
            ruler,
            "0           10 ms       20 ms        30 ms       40 ms"
        );
        assert_eq!(axis(20, 0).ruler(), "0");
        assert_eq!(axis(0, 100).ruler(), "");
        assert_eq!(round_duration(1_500_000), "1.5 ms");
        assert_eq!(round_duration(20_000_000_000), "20 s");
        let _ = axis(30, u64::MAX).ruler();
    }

    #[test]
    fn without_unicode_the_shapes_are_plain() {
        let axis = Axis {
            unicode: false,
            ..axis(4, 32)
        };
        assert_eq!(drawn(&axis.bar(1_006, Some(1_024), &[])), "-## ");
        assert_eq!(drawn(&axis.bar(1_008, Some(1_010), &[1_031])), ":|:*");
        assert_eq!(drawn(&axis.bar(1_008, None, &[])), ":~~~");
    }
}
