//! Whether the compressed data of a JPEG file hold every block that its header says. Knows the coding (ITU-T T.81, annexes F
//! and G); computes no pixel.
//!
//! Decoders fill up what is missing with grey, so each scan is read here to its last bit first: Huffman codes and the bits behind them, which stand for a coefficient or a run of zeros. Where a scan refines coefficients that were sent before, those
//! that are not zero take a bit each, so one bit for each coefficient of a block is kept.

use crate::reserve::{self, Refused};

/// Eight bits at a time are looked up; longer codes are found length by length.
const QUICK: u32 = 8;

/// The frame that all scans are of.
pub(super) struct Frame {
    pub width: usize,
    pub height: usize,
    pub progressive: bool,
    pub components: Vec<Component>,
}

/// A component of a frame.
pub(super) struct Component {
    pub name: u8,
    /// How often it is sampled across and down.
    pub sampling: [usize; 2],
    /// A bit for each coefficient of each block that is not zero, where scans refine.
    nonzero: Vec<u64>,
    /// Which coefficients have been sent, to their last bit.
    whole: u64,
}

impl Component {
    pub fn new(name: u8, sampling: [usize; 2]) -> Component {
        Component { name, sampling, nonzero: Vec::new(), whole: 0 }
    }
}

/// The tables that scans read by, as the segments between scans set them.
#[derive(Default)]
pub(super) struct Tables {
    codes: [[Option<Codes>; 4]; 2],
    /// Units from one restart marker to the next; 0 for none.
    pub restart: usize,
}

/// A Huffman code.
struct Codes {
    /// The length and symbol of the code that eight bits begin with; length 0 where it is longer.
    quick: [(u8, u8); 1 << QUICK],
    /// For each length the first code, the number of codes and the place of the first symbol.
    lengths: [[u32; 3]; 17],
    symbols: Vec<u8>,
}

impl Tables {
    /// Takes over the tables of a segment; `None` where it is wrong.
    pub fn define(&mut self, mut body: &[u8]) -> Option<()> {
        while let Some((&kind, rest)) = body.split_first() {
            let counts = rest.get(..16)?;
            let total: usize = counts.iter().map(|&count| usize::from(count)).sum();
            let symbols = rest.get(16..16 + total)?;
            let place = self.codes.get_mut(usize::from(kind >> 4))?.get_mut(usize::from(kind & 15))?;
            *place = Some(Codes::new(counts, symbols)?);
            body = &rest[16 + total..];
        }
        Some(())
    }
}

impl Codes {
    fn new(counts: &[u8], symbols: &[u8]) -> Option<Codes> {
        let mut codes = Codes { quick: [(0, 0); 1 << QUICK], lengths: [[0; 3]; 17], symbols: symbols.to_vec() };
        let (mut code, mut first) = (0_u32, 0);
        for (length, &count) in (1_u32..).zip(counts) {
            codes.lengths[length as usize] = [code, count.into(), first];
            for _ in 0..count {
                if code >> length != 0 {
                    return None;
                }
                if length <= QUICK {
                    let from = (code << (QUICK - length)) as usize;
                    codes.quick[from..from + (1 << (QUICK - length))].fill((length as u8, symbols[first as usize]));
                }
                code += 1;
                first += 1;
            }
            code <<= 1;
        }
        Some(codes)
    }
}

/// The bits of a scan, up to the next restart marker.
struct Bits<'a> {
    /// All bytes of the scan.
    data: &'a [u8],
    /// Those that were not taken yet.
    bytes: &'a [u8],
    /// Bits that were taken from the bytes, the next one highest among them.
    held: u64,
    count: u32,
}

impl<'a> Bits<'a> {
    fn fill(&mut self) {
        while self.count <= 48 {
            match *self.bytes {
                [0xff, 0, ref rest @ ..] => self.bytes = rest,
                [0xff, ..] | [] => return,
                [_, ref rest @ ..] => {
                    self.held = self.held << 8 | u64::from(self.bytes[0]);
                    self.count += 8;
                    self.bytes = rest;
                    continue;
                }
            }
            self.held = self.held << 8 | 0xff;
            self.count += 8;
        }
    }

    /// The next bits, at most 16; `None` where there are fewer.
    fn take(&mut self, bits: u32) -> Option<u32> {
        if self.count < bits {
            self.fill();
        }
        self.count = self.count.checked_sub(bits)?;
        Some((self.held >> self.count) as u32 & ((1 << bits) - 1))
    }

    /// The next symbol; `None` where the bits end or are no code.
    fn symbol(&mut self, codes: &Codes) -> Option<u8> {
        if self.count < 16 {
            self.fill();
        }
        // Where fewer bits are left than are looked at, a code may still fit into them.
        let ahead = |bits: u32| match self.count >= bits {
            true => (self.held >> (self.count - bits)) as u32 & ((1 << bits) - 1),
            false => (self.held << (bits - self.count)) as u32 & ((1 << bits) - 1),
        };
        let (length, symbol) = codes.quick[ahead(QUICK) as usize];
        if length > 0 {
            self.count = self.count.checked_sub(length.into())?;
            return Some(symbol);
        }
        for length in QUICK + 1..=16 {
            let [code, count, first] = codes.lengths[length as usize];
            if let Some(place) = ahead(length).checked_sub(code).filter(|place| *place < count) {
                self.count = self.count.checked_sub(length)?;
                return codes.symbols.get((first + place) as usize).copied();
            }
        }
        None
    }

    /// Passes over the bits that fill up the last byte; `None` where more than these are left before the next marker.
    fn end(&mut self) -> Option<()> {
        if self.count >= 8 {
            return None;
        }
        self.count = 0;
        while let [0xff, 0xff, ..] | [0xff] = self.bytes {
            self.bytes = &self.bytes[1..];
        }
        matches!(self.bytes, [] | [0xff, 0xd0..=0xd7, ..]).then_some(())
    }

    /// The stray bytes behind the last block, which belong to no pixel: cameras and editors leave some before a marker, and decoders pass
    /// over them. Nothing but zeros behind a byte that was not filled up with ones, as encoders do, are no such bytes but the end of a copy
    /// that broke off: `None`.
    fn stray(self) -> Option<&'a [u8]> {
        let padding = self.count % 8;
        let ones = (1 << padding) - 1;
        let is_filled_up = padding > 0 && self.held >> (self.count - padding) & ones == ones;
        let mut end = self.data.len() - self.bytes.len();
        for _ in 0..self.count / 8 {
            end -= if self.data[..end].ends_with(&[0xff, 0]) { 2 } else { 1 };
        }
        let rest = &self.data[end..];
        let fill = rest.iter().take_while(|byte| **byte == 0xff).count();
        // Bytes that fill up, and a restart marker that nothing follows, may stand there; its first byte looks like one that fills up.
        let is_clean = rest.len() == fill || fill > 0 && matches!(rest[fill..], [0xd0..=0xd7]);
        match rest {
            _ if is_clean => Some(&[]),
            zeros if zeros.iter().all(|byte| *byte == 0) && !is_filled_up => None,
            stray => Some(stray),
        }
    }

    /// Goes on after the restart marker that has to come now, the first of which has the number 0.
    fn restart(&mut self, number: usize) -> Option<()> {
        self.end()?;
        let (marker, rest) = self.bytes.split_at_checked(2)?;
        self.bytes = rest;
        (usize::from(marker[1] - 0xd0) == number % 8).then_some(())
    }
}

/// What a scan sends: coefficients `from` to `to`, down to bit `low`; for the first time, or as refinement.
#[derive(Clone, Copy)]
struct Sent {
    from: usize,
    to: usize,
    refines: bool,
}

impl Frame {
    /// Reads a scan to its last block: `head` is its segment, `data` what follows. Returns the stray bytes at the end of the data; `None`
    /// where these end early or are damaged.
    pub fn read_scan<'a>(&mut self, tables: &Tables, head: &[u8], data: &'a [u8]) -> Option<&'a [u8]> {
        let (&count, rest) = head.split_first()?;
        let (parts, rest) = rest.split_at_checked(2 * usize::from(count))?;
        let &[from, to, precision] = rest else { return None };
        let parts: Vec<(usize, [usize; 2])> = parts
            .chunks_exact(2)
            .map(|part| {
                let component = self.components.iter().position(|component| component.name == part[0])?;
                Some((component, [usize::from(part[1] >> 4), usize::from(part[1] & 15)]))
            })
            .collect::<Option<_>>()?;
        let sent = if self.progressive {
            Sent { from: from.into(), to: to.into(), refines: precision >> 4 > 0 }
        } else {
            Sent { from: 0, to: 63, refines: false }
        };
        if sent.from > sent.to || sent.to > 63 || self.progressive && sent.from == 0 && sent.to > 0 {
            return None;
        }
        let stray = self.read_units(tables, &parts, sent, data)?;
        if !self.progressive || precision & 15 == 0 {
            let coefficients = (sent.from..=sent.to).fold(0, |all, k| all | 1 << k);
            parts.iter().for_each(|(component, _)| self.components[*component].whole |= coefficients);
        }
        Some(stray)
    }

    /// Makes room for what refining scans have to know of each block.
    pub fn make_room(&mut self) -> Result<(), Refused> {
        let [columns, rows] = self.units();
        for component in self.components.iter_mut().filter(|_| self.progressive) {
            let [h, v] = component.sampling;
            component.nonzero = reserve::filled(columns * h * rows * v, 0)?;
        }
        Ok(())
    }

    /// How often the component with the most samples is sampled across and down.
    pub fn most(&self) -> [usize; 2] {
        let most = |axis: usize| self.components.iter().map(|component| component.sampling[axis]).max().unwrap_or(1);
        [most(0), most(1)]
    }

    /// The units that blocks of all components come in, across and down.
    fn units(&self) -> [usize; 2] {
        let [across, down] = self.most();
        [self.width.div_ceil(8 * across), self.height.div_ceil(8 * down)]
    }

    /// Whether every coefficient of every component was sent.
    pub fn is_whole(&self) -> bool {
        self.components.iter().all(|component| component.whole == u64::MAX)
    }

    fn read_units<'a>(
        &mut self,
        tables: &Tables,
        parts: &[(usize, [usize; 2])],
        sent: Sent,
        data: &'a [u8],
    ) -> Option<&'a [u8]> {
        let ([across, down], units) = (self.most(), self.units());
        // One component alone comes block by block, without those that only fill up a unit.
        let (alone, sampling) = (parts.len() == 1, self.components[parts.first()?.0].sampling);
        let blocks = [(self.width * sampling[0]).div_ceil(across), (self.height * sampling[1]).div_ceil(down)];
        let [columns, rows] = if alone { blocks.map(|size| size.div_ceil(8)) } else { units };
        let mut bits = Bits { data, bytes: data, held: 0, count: 0 };
        let mut run = 0;
        for unit in 0..columns * rows {
            if tables.restart > 0 && unit > 0 && unit % tables.restart == 0 {
                bits.restart(unit / tables.restart - 1)?;
                if run > 0 {
                    return None;
                }
            }
            for &(component, [dc, ac]) in parts {
                let component = &mut self.components[component];
                let [h, v] = component.sampling;
                let stride = units[0] * h;
                for part in 0..if alone { 1 } else { h * v } {
                    let place = match alone {
                        true => unit / columns * stride + unit % columns,
                        false => (unit / columns * v + part / h) * stride + unit % columns * h + part % h,
                    };
                    let codes = [tables.codes[0].get(dc)?.as_ref(), tables.codes[1].get(ac)?.as_ref()];
                    match component.nonzero.get_mut(place) {
                        None => sequential(&mut bits, codes[0]?, codes[1]?)?,
                        Some(_) if sent.from == 0 && sent.refines => drop(bits.take(1)?),
                        Some(_) if sent.from == 0 => drop(mean(&mut bits, codes[0]?)?),
                        Some(nonzero) if sent.refines => refined(&mut bits, codes[1]?, sent, nonzero, &mut run)?,
                        Some(nonzero) => first(&mut bits, codes[1]?, sent, nonzero, &mut run)?,
                    }
                }
            }
        }
        if run > 0 { None } else { bits.stray() }
    }
}

/// The coefficient of the mean of a block.
fn mean(bits: &mut Bits, codes: &Codes) -> Option<u32> {
    let length = bits.symbol(codes)?;
    if length > 16 { None } else { bits.take(length.into()) }
}

/// A block that is sent in one go.
fn sequential(bits: &mut Bits, dc: &Codes, ac: &Codes) -> Option<()> {
    mean(bits, dc)?;
    let mut k = 1;
    while k < 64 {
        let symbol = bits.symbol(ac)?;
        let (zeros, length) = (usize::from(symbol >> 4), symbol & 15);
        match (zeros, length) {
            (15, 0) => k += 16,
            (_, 0) => return Some(()),
            _ => {
                k += zeros + 1;
                bits.take(length.into())?;
            }
        }
    }
    (k == 64).then_some(())
}

/// Coefficients of a block that are sent for the first time. `run` counts blocks to come that have none.
fn first(bits: &mut Bits, codes: &Codes, sent: Sent, nonzero: &mut u64, run: &mut u32) -> Option<()> {
    if *run > 0 {
        *run -= 1;
        return Some(());
    }
    let mut k = sent.from;
    while k <= sent.to {
        let symbol = bits.symbol(codes)?;
        let (zeros, length) = (symbol >> 4, symbol & 15);
        match (zeros, length) {
            (15, 0) => k += 16,
            (_, 0) => {
                *run = (1 << zeros) - 1 + bits.take(zeros.into())?;
                return Some(());
            }
            _ => {
                k += usize::from(zeros);
                bits.take(length.into())?;
                *nonzero |= 1_u64.checked_shl(k as u32)?;
                k += 1;
            }
        }
    }
    Some(())
}

/// Coefficients of a block that are refined by a bit: one for each that is not zero, and new ones among the others.
fn refined(bits: &mut Bits, codes: &Codes, sent: Sent, nonzero: &mut u64, run: &mut u32) -> Option<()> {
    let mut k = sent.from;
    while *run == 0 && k <= sent.to {
        let symbol = bits.symbol(codes)?;
        let (mut zeros, length) = (symbol >> 4, symbol & 15);
        if length == 0 && zeros < 15 {
            *run = (1 << zeros) + bits.take(zeros.into())?;
            break;
        }
        if length > 0 {
            bits.take(1)?;
        }
        while k <= sent.to {
            if *nonzero >> k & 1 == 1 {
                bits.take(1)?;
            } else if zeros == 0 {
                break;
            } else {
                zeros -= 1;
            }
            k += 1;
        }
        if length > 0 && k <= sent.to {
            *nonzero |= 1 << k;
        }
        k += 1;
    }
    if *run > 0 {
        for _ in (k..=sent.to).filter(|k| *nonzero >> k & 1 == 1) {
            bits.take(1)?;
        }
        *run -= 1;
    }
    Some(())
}
