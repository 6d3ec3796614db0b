//! Check digits of the numbers that states give to people and firms.
//!
//! Each scheme is checked as far as its rules are public. Separators (blanks, `-`, `.`, `/`) are
//! passed over; letters count in either case. Whatever has another length is not accepted.

mod digits;
mod lettered;
#[cfg(test)]
mod tests;

use digits::{
    Months, compact, date, luhn, mod_11, number, starts, varied, weigh_in_turn, weighted,
};

/// A scheme of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Payment cards: Luhn, in the ranges that issuers have.
    Card,
    /// Telephone numbers with the code of a country (E.164).
    Phone,
    /// Argentina: CUIT and CUIL.
    ArCuit,
    /// Australia: tax file number.
    AuTfn,
    /// Belgium: national register number.
    BeNn,
    /// Brazil: CPF, people.
    BrCpf,
    /// Brazil: CNPJ, firms.
    BrCnpj,
    /// Canada: social insurance number.
    CaSin,
    /// Switzerland: AHV number.
    ChAhv,
    /// Chile: RUT.
    ClRut,
    /// China: resident identity number.
    CnId,
    /// Czechia and Slovakia: rodné číslo of ten digits.
    CzRc,
    /// Germany: tax identification number.
    DeSteuerId,
    /// Spain: DNI and NIE.
    EsNif,
    /// Finland: personal identity code.
    FiHetu,
    /// France: NIR, the number of social security.
    FrNir,
    /// United Kingdom: national insurance number.
    GbNino,
    /// Israel: identity number.
    IlId,
    /// India: Aadhaar.
    InAadhaar,
    /// Italy: codice fiscale.
    ItCf,
    /// Japan: individual number.
    JpMyNumber,
    /// Mexico: CURP.
    MxCurp,
    /// Netherlands: BSN.
    NlBsn,
    /// Norway: fødselsnummer.
    NoFnr,
    /// Poland: PESEL.
    PlPesel,
    /// Portugal: NIF.
    PtNif,
    /// Romania: CNP.
    RoCnp,
    /// Sweden: personnummer, ten or twelve digits.
    SePnr,
    /// Singapore: NRIC and FIN of the series S, T, F and G.
    SgNric,
    /// Türkiye: identity number.
    TrTckn,
    /// United States: social security number, which has impossible ranges and no check digit.
    UsSsn,
    /// South Africa: identity number.
    ZaId,
}

impl Scheme {
    /// Whether the value is a number of the scheme.
    pub(super) fn accepts(self, value: &str) -> bool {
        let text = compact(value);
        match self {
            Self::EsNif => return lettered::es_nif(&text),
            Self::FiHetu => return lettered::fi_hetu(value),
            Self::FrNir => return lettered::fr_nir(&text),
            Self::GbNino => return lettered::gb_nino(&text),
            Self::ItCf => return lettered::it_cf(&text),
            Self::MxCurp => return lettered::mx_curp(&text),
            Self::SgNric => return lettered::sg_nric(&text),
            Self::ClRut => return lettered::with_x(&text, 'K', 8..=9, lettered::cl_rut),
            Self::CnId => return lettered::with_x(&text, 'X', 18..=18, lettered::cn_id),
            _ => {}
        }
        let Some(digits) = digits::digits(text.trim_start_matches('+')) else { return false };
        self.accepts_digits(&digits)
    }

    fn accepts_digits(self, digits: &[u32]) -> bool {
        let length = digits.len();
        match self {
            Self::Card => digits::card(digits),
            Self::Phone => digits::phone(digits),
            Self::ArCuit => length == 11 && mod_11(digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]),
            Self::AuTfn => length == 9 && mod_11(digits, &[1, 4, 3, 7, 5, 8, 6, 9, 10]),
            Self::BeNn => digits::be_nn(digits),
            Self::BrCpf => {
                length == 11
                    && varied(digits)
                    && digits::br(digits, 9, 11)
                    && digits::br(digits, 10, 11)
            }
            Self::BrCnpj => {
                length == 14
                    && varied(digits)
                    && digits::br(digits, 12, 9)
                    && digits::br(digits, 13, 9)
            }
            Self::CaSin | Self::IlId => length == 9 && varied(digits) && luhn(digits),
            Self::ChAhv => {
                length == 13 && starts(digits, &[7, 5, 6]) && weigh_in_turn(digits, &[1, 3], 10)
            }
            Self::CzRc => {
                length == 10 && date(digits, Months::Czech) && number(digits).is_multiple_of(11)
            }
            Self::DeSteuerId => digits::de_steuer_id(digits),
            Self::InAadhaar => {
                length == 12
                    && !starts(digits, &[0])
                    && !starts(digits, &[1])
                    && digits::verhoeff(digits)
            }
            Self::JpMyNumber => length == 12 && digits::jp_my_number(digits),
            Self::NlBsn => {
                length == 9 && varied(digits) && mod_11(digits, &[9, 8, 7, 6, 5, 4, 3, 2, 10])
            }
            Self::NoFnr => {
                length == 11
                    && mod_11(digits, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1])
                    && mod_11(digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1])
                    && varied(digits)
            }
            Self::PlPesel => {
                length == 11
                    && date(digits, Months::Polish)
                    && weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
            }
            Self::PtNif => length == 9 && digits::pt_nif(digits),
            Self::RoCnp => length == 13 && digits::ro_cnp(digits),
            Self::SePnr => digits::se_pnr(digits),
            Self::TrTckn => length == 11 && digits::tr_tckn(digits),
            Self::UsSsn => length == 9 && digits::us_ssn(digits),
            Self::ZaId => length == 13 && date(digits, Months::Plain) && luhn(digits),
            // Those with letters in them.
            Self::EsNif
            | Self::FiHetu
            | Self::FrNir
            | Self::GbNino
            | Self::ItCf
            | Self::MxCurp
            | Self::SgNric
            | Self::ClRut
            | Self::CnId => false,
        }
    }
}
