"""OpenStreetMap's tag for a category of Overture's places, where the two words mean the same thing.

Categories are those of the two taxonomies of places: the first (`categories`, until 2026) and that of 2025 (`taxonomy`, `basic_category`). What is
not named here has no tag of OpenStreetMap, and keeps ``overture:category`` alone; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = ["tags_of_category"]


def _turned(table: Mapping[str, str]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for words, categories in table.items():
        tags = dict(word.split("=") for word in words.split())
        found |= dict.fromkeys(categories.split(), tags)
    return found


_TAGS: Mapping[str, dict[str, str]] = _turned(
    {
        "amenity=restaurant": "restaurant cafeteria canteen casual_eatery bistro brasserie diner steakhouse food_court_restaurant",
        "amenity=fast_food": "fast_food_restaurant food_stand food_truck hot_dog_restaurant sandwich_shop",
        "amenity=cafe": "cafe tea_room internet_coffee",
        "amenity=cafe cuisine=coffee_shop": "coffee_shop coffee_roastery",
        "amenity=bar": "bar beach_bar beer_bar champagne_bar cocktail_bar dive_bar gay_bar hookah_bar lounge sake_bar sports_bar tapas_bar whiskey_bar wine_bar",
        "amenity=pub": "pub irish_pub gastropub",
        "amenity=biergarten": "beer_garden",
        "amenity=nightclub": "dance_club night_club nightclub",
        "amenity=food_court": "food_court",
        "amenity=ice_cream": "ice_cream_shop gelato frozen_yoghurt_shop",
        "shop=bakery": "bakery",
        "shop=pastry": "patisserie_cake_shop cupcake_shop",
        "craft=brewery": "brewery",
        "craft=winery": "winery",
        "craft=caterer": "caterer catering_service",
        "tourism=hotel": "hotel resort beach_resort ski_resort",
        "tourism=motel": "motel",
        "tourism=hostel": "hostel",
        "tourism=guest_house": "bed_and_breakfast guest_house inn",
        "tourism=apartment": "holiday_rental_home vacation_rental",
        "tourism=camp_site": "campground",
        "tourism=caravan_site": "rv_park",
        "tourism=museum": "museum art_museum childrens_museum community_museum history_museum science_museum",
        "tourism=gallery": "art_gallery",
        "tourism=zoo": "zoo petting_zoo",
        "tourism=aquarium": "aquarium",
        "tourism=theme_park": "amusement_park theme_park",
        "tourism=attraction": "tourist_attraction",
        "tourism=information": "visitor_center tourist_information",
        "tourism=viewpoint": "lookout scenic_viewpoint",
        "historic=monument": "monument",
        "historic=castle": "castle",
        "amenity=cinema": "cinema movie_theater drive_in_theater",
        "amenity=theatre": "theatre theater theaters_and_performance_venues performing_arts_theater",
        "amenity=arts_centre": "arts_center cultural_center",
        "amenity=casino": "casino",
        "amenity=planetarium": "planetarium",
        "amenity=events_venue": "event_venue venue_and_event_space",
        "leisure=bowling_alley": "bowling_alley",
        "leisure=amusement_arcade": "arcade",
        "leisure=stadium": "stadium stadium_arena sport_stadium baseball_stadium basketball_stadium football_stadium soccer_stadium",
        "leisure=fitness_centre": "gym fitness_studio yoga_studio pilates_studio",
        "leisure=sports_centre": "sports_and_recreation_venue sport_fitness_facility recreation_center sports_complex",
        "leisure=swimming_pool": "swimming_pool",
        "leisure=golf_course": "golf_course",
        "leisure=miniature_golf": "miniature_golf_course",
        "leisure=ice_rink": "ice_skating_rink",
        "leisure=water_park": "water_park",
        "leisure=marina": "marina",
        "leisure=park": "park national_park state_park",
        "leisure=dog_park": "dog_park",
        "leisure=playground": "playground",
        "leisure=garden": "botanical_garden garden community_gardens",
        "leisure=nature_reserve": "nature_reserve",
        "leisure=pitch sport=tennis": "tennis_court",
        "leisure=pitch sport=basketball": "basketball_court",
        "leisure=pitch sport=soccer": "soccer_field",
        "leisure=pitch sport=baseball": "baseball_field",
        "natural=beach": "beach",
        "amenity=school": "school elementary_school high_school middle_school private_school public_school charter_school montessori_school religious_school",
        "amenity=kindergarten": "preschool kindergarten",
        "amenity=childcare": "day_care_preschool child_care_and_day_care",
        "amenity=university": "college_university university",
        "amenity=college": "college community_college",
        "amenity=driving_school": "driving_school",
        "amenity=language_school": "language_school",
        "amenity=music_school": "music_school",
        "amenity=library": "library public_library",
        "amenity=hospital": "hospital childrens_hospital emergency_room general_hospital",
        "amenity=clinic": "medical_center urgent_care_clinic walk_in_clinic clinic clinic_or_treatment_center public_health_clinic",
        "amenity=doctors": "doctor family_practice general_practitioner pediatrician cardiologist dermatologist obstetrician_and_gynecologist",
        "amenity=dentist": "dentist general_dentistry dental_care orthodontist dental_clinic",
        "amenity=pharmacy": "pharmacy drugstore",
        "amenity=veterinary": "veterinarian veterinary_care animal_hospital",
        "amenity=nursing_home": "nursing_home skilled_nursing",
        "healthcare=physiotherapist": "physical_therapy",
        "healthcare=alternative": "alternative_medicine acupuncture chiropractor naturopathic_holistic",
        "healthcare=psychotherapist": "psychotherapist psychologist counseling_and_mental_health mental_health",
        "healthcare=laboratory": "medical_laboratory diagnostic_services laboratory_testing",
        "healthcare=optometrist": "optometrist eye_care_clinic",
        "amenity=bank": "bank banks bank_credit_union credit_union",
        "amenity=atm": "atm atms",
        "amenity=bureau_de_change": "currency_exchange",
        "amenity=money_transfer": "money_transfer_service money_transfer_services",
        "amenity=post_office": "post_office",
        "amenity=police": "police_department police_station law_enforcement",
        "amenity=fire_station": "fire_department fire_station",
        "amenity=townhall": "town_hall city_hall",
        "amenity=courthouse": "courthouse",
        "amenity=prison": "jail_and_prison",
        "amenity=embassy": "embassy",
        "amenity=community_centre": "community_center",
        "amenity=social_facility": "homeless_shelter food_bank social_service_organizations",
        "office=government": "government_office central_government_office local_and_state_government_offices",
        "amenity=place_of_worship": "place_of_worship religious_place temple shrine",
        "amenity=place_of_worship religion=christian": "church_cathedral christian_place_of_worship christian_place_of_worshop church cathedral chapel",
        "amenity=place_of_worship religion=muslim": "mosque muslim_place_of_worship",
        "amenity=place_of_worship religion=jewish": "synagogue jewish_place_of_worship",
        "amenity=place_of_worship religion=buddhist": "buddhist_temple buddhist_place_of_worship",
        "amenity=place_of_worship religion=hindu": "hindu_temple hindu_place_of_worship",
        "amenity=place_of_worship religion=sikh": "sikh_temple sikh_place_of_worship",
        "amenity=place_of_worship religion=shinto": "shinto_shrine shinto_shrines",
        "amenity=grave_yard": "cemetery cemeteries",
        "amenity=fuel": "gas_station fuel_station truck_gas_station",
        "amenity=charging_station": "ev_charging_station",
        "amenity=parking": "parking parking_lot",
        "amenity=car_wash": "car_wash",
        "amenity=car_rental": "car_rental_agency auto_rental_service",
        "amenity=car_sharing": "car_sharing",
        "amenity=bicycle_rental": "bike_rentals bicycle_rental_service bike_sharing bicycle_sharing_location",
        "amenity=taxi": "taxi_service taxi_rank",
        "amenity=bus_station": "bus_station",
        "amenity=ferry_terminal": "ferry_service ferry_boat_company",
        "railway=station": "train_station railway_station light_rail_and_subway_stations metro_station subway_station",
        "aeroway=aerodrome": "airport",
        "aeroway=terminal": "airport_terminal",
        "amenity=toilets": "public_toilet restroom",
        "shop=supermarket": "supermarket grocery_store superstore hypermarket warehouse_club_store",
        "shop=convenience": "convenience_store corner_store",
        "shop=department_store": "department_store",
        "shop=mall": "shopping_center shopping_mall outlet_mall",
        "shop=variety_store": "discount_store dollar_store",
        "amenity=marketplace": "farmers_market public_market flea_market night_market",
        "shop=alcohol": "liquor_store beer_wine_and_spirits wine_shop",
        "shop=beverages": "beverage_store beverage_shop",
        "shop=bubble_tea": "bubble_tea",
        "shop=butcher": "butcher_shop meat_shop",
        "shop=seafood": "seafood_market fishmonger",
        "shop=greengrocer": "fruits_and_vegetables fruit_and_vegetable_store",
        "shop=cheese": "cheese_shop",
        "shop=confectionery": "candy_store candy_shop",
        "shop=chocolate": "chocolatier",
        "shop=deli": "delicatessen",
        "shop=health_food": "health_food_store",
        "shop=tea": "tea_shop",
        "shop=clothes": "clothing_store fashion fashion_or_apparel_store womens_clothing_store mens_clothing_store childrens_clothing_store",
        "shop=boutique": "boutique",
        "shop=shoes": "shoe_store",
        "shop=bag": "handbag_stores luggage_store",
        "shop=jewelry": "jewelry_store",
        "shop=watches": "watch_store",
        "shop=cosmetics": "cosmetic_and_beauty_supplies",
        "shop=perfumery": "perfume_store",
        "shop=optician": "eyewear_and_optician",
        "shop=hairdresser": "hair_salon barber barber_shop hairdresser",
        "shop=beauty": "beauty_salon beauty_and_spa nail_salon",
        "shop=massage": "massage massage_therapy",
        "leisure=spa": "spas day_spa",
        "shop=tattoo": "tattoo_and_piercing",
        "shop=books": "bookstore academic_bookstore used_bookstore comic_books_store",
        "shop=stationery": "cards_and_stationery_store business_office_supplies_and_stationery office_supply_store",
        "shop=newsagent": "newspaper_and_magazines_store",
        "shop=gift": "gift_shop souvenir_shop",
        "shop=florist": "florist flowers_and_gifts_shop",
        "shop=furniture": "furniture_store",
        "shop=houseware": "home_goods_store kitchen_supply_store",
        "shop=doityourself": "home_improvement_store",
        "shop=hardware": "hardware_store",
        "shop=garden_centre": "nursery_and_gardening garden_center",
        "shop=carpet": "carpet_store rug_store",
        "shop=appliance": "appliance_store",
        "shop=electronics": "electronics electronics_store",
        "shop=computer": "computer_store",
        "shop=mobile_phone": "mobile_phone_store",
        "shop=toys": "toy_store",
        "shop=sports": "sporting_goods sporting_goods_store",
        "shop=bicycle": "bicycle_shop",
        "shop=pet": "pet_store bird_shop aquatic_pet_store",
        "shop=art": "art_supply_store",
        "shop=antiques": "antique_store antique_shop",
        "shop=second_hand": "thrift_store second_hand_store",
        "shop=pawnbroker": "pawn_shop",
        "shop=tobacco": "tobacco_shop",
        "shop=musical_instrument": "musical_instrument_store",
        "shop=music": "music_and_dvd_store vinyl_record_store",
        "shop=fabric": "fabric_store",
        "shop=medical_supply": "medical_supply",
        "shop=laundry": "laundromat laundry_services",
        "shop=dry_cleaning": "dry_cleaning",
        "shop=copyshop": "printing_services",
        "shop=travel_agency": "travel_agents travel_agent",
        "shop=car": "car_dealer used_car_dealer automotive_dealer",
        "shop=motorcycle": "motorcycle_dealer",
        "shop=car_repair": "automotive_repair auto_repair_service auto_body_shop",
        "shop=car_parts": "automotive_parts_and_accessories auto_parts_and_supply_store",
        "shop=tyres": "tire_shop tire_dealer_and_repair",
        "shop=funeral_directors": "funeral_services_and_cemeteries funeral_services funeral_home",
        "office=lawyer": "lawyer attorney_or_law_firm legal_services",
        "office=accountant": "accountant accountant_or_bookkeeper",
        "office=insurance": "insurance_agency",
        "office=estate_agent": "real_estate_agent real_estate",
        "office=architect": "architect architectural_designer",
        "office=advertising_agency": "advertising_agency",
        "office=employment_agency": "employment_agencies temp_agency",
        "office=notary": "notary_public",
        "office=coworking": "coworking_space",
        "office=ngo": "non_governmental_association charity_organization",
        "office=research": "research_institute",
        "office=it": "information_technology_company software_development it_service_and_computer_repair",
        "craft=carpenter": "carpenter",
        "craft=electrician": "electrician",
        "craft=plumber": "plumbing",
        "craft=painter": "painting",
        "craft=photographer": "photographer",
        "craft=hvac": "hvac_services",
        "craft=roofer": "roofing",
        "craft=key_cutter": "key_and_locksmith",
        "craft=tailor": "sewing_and_alterations",
        "craft=shoemaker": "shoe_repair",
    }
)

_CUISINE = "_restaurant"
_ENDINGS: Mapping[str, dict[str, str]] = {
    _CUISINE: {"amenity": "restaurant"},
    "_church": {"amenity": "place_of_worship", "religion": "christian"},
    "_museum": {"tourism": "museum"},
    "_hospital": {"amenity": "hospital"},
    "_bar": {"amenity": "bar"},
    "_hotel": {"tourism": "hotel"},
}
"""What a category that ends so is, whatever stands before."""

_SHOPS = ("_store", "_shop")


def tags_of_category(category: str, wider: Sequence[str] = ()) -> dict[str, str]:
    """Return OpenStreetMap's tags for a category, or for the nearest of wider ones; {} where there is none.

    Parameters
    ----------
    category
        Such as "thai_restaurant".
    wider
        The categories that it belongs to, the nearest first.

    Examples
    --------
    >>> tags_of_category("thai_restaurant"), tags_of_category("shoe_store"), tags_of_category("kite_shop")
    ({'amenity': 'restaurant', 'cuisine': 'thai'}, {'shop': 'shoes'}, {'shop': 'kite'})
    >>> tags_of_category("izakaya", ["asian_restaurant", "restaurant"]), tags_of_category("crane_services")
    ({'amenity': 'restaurant', 'cuisine': 'asian'}, {})
    """
    for one in (category, *wider):
        found = _TAGS.get(one) or _by_ending(one)
        if found:
            return dict(found)
    return {}


def _by_ending(category: str) -> dict[str, str]:
    for ending, tags in _ENDINGS.items():
        if category.endswith(ending):
            cuisine = {"cuisine": category.removesuffix(ending)} if ending == _CUISINE else {}
            return {**tags, **cuisine}
    for ending in _SHOPS:
        if category.endswith(ending):
            return {"shop": category.removesuffix(ending)}
    return {}
